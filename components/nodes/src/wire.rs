//! Rows as wire types, written once, by hand.

use sam_contract::http::nodes::{Node, NodeHealth, NodeStatus};
use sam_domain::nodes::{Cause, Status};

use crate::store::nodes::ShownRow;

/// How long silence may last before a node is shown as stale, and as unhealthy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Silence {
    pub(crate) stale_ms: i64,
    pub(crate) unhealthy_ms: i64,
}

pub(crate) fn node(row: ShownRow, silence: Silence, now: i64) -> Node {
    let state = row.node.state;
    // What an older version wrote and this one cannot read is not shown; the next report brings it anew.
    let read = |text: Option<String>| text.unwrap_or_default();
    Node {
        id: row.node.id,
        name: row.node.name,
        status: status(state.status),
        cause: state.cause.map(|cause| Cause::sentence(cause).to_owned()),
        deadline_at: state.deadline_at,
        health: health(row.seen_at, silence, now),
        is_local: row.node.is_local,
        machine: serde_json::from_str(&read(row.node.machine)).ok(),
        load: serde_json::from_str(&read(row.load)).ok(),
        seen_at: row.seen_at,
        connected: state.tunnel_epoch.is_some(),
        workspaces: row.workspaces,
        orphans: serde_json::from_str(&read(row.orphans)).unwrap_or_default(),
        warm: row.warm,
        created_at: row.node.created_at,
    }
}

fn health(seen_at: Option<i64>, silence: Silence, now: i64) -> NodeHealth {
    match seen_at.map(|seen| now.saturating_sub(seen)) {
        Some(ms) if ms < silence.stale_ms => NodeHealth::Healthy,
        Some(ms) if ms < silence.unhealthy_ms => NodeHealth::Stale,
        _ => NodeHealth::Unhealthy,
    }
}

fn status(status: Status) -> NodeStatus {
    match status {
        Status::Pending => NodeStatus::Pending,
        Status::Enrolling => NodeStatus::Enrolling,
        Status::Ready => NodeStatus::Ready,
        Status::Unreachable => NodeStatus::Unreachable,
        Status::Draining => NodeStatus::Draining,
        Status::Deleted => NodeStatus::Deleted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_follows_from_silence() {
        let silence = Silence {
            stale_ms: 30,
            unhealthy_ms: 90,
        };
        for (seen_at, expect) in [
            (None, NodeHealth::Unhealthy),
            (Some(71), NodeHealth::Healthy),
            (Some(70), NodeHealth::Stale),
            (Some(10), NodeHealth::Unhealthy),
            (Some(200), NodeHealth::Healthy),
        ] {
            assert_eq!(health(seen_at, silence, 100), expect, "{seen_at:?}");
        }
    }
}
