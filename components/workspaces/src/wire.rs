//! Rows as wire types, written once, by hand.

use sam_contract::agent::observed::Failure;
use sam_contract::http::workspaces::{Workspace, WorkspaceStatus};
use sam_contract::ids::WorkspaceId;
use sam_domain::workspaces::{self as rules, Cause, Status};

use crate::inside::Inside;
use crate::store::workspaces::ShownRow;

/// Host under which a workspace's terminals are reached.
pub(crate) fn host(id: WorkspaceId, domain: &str) -> String {
    format!("ws-{id}.{domain}")
}

pub(crate) fn workspace(row: ShownRow, domain: &str) -> Workspace {
    let cause = cause(&row);
    let ShownRow {
        workspace,
        node_name,
        connected,
        active_at,
        ..
    } = row;
    let (state, spec) = (workspace.state, workspace.spec);
    let inside = Inside::read(&workspace.observed);
    let runs = state.status == Status::Running;
    let idle_stop_at = rules::idle_stop_at(state.running_since, active_at, spec.idle_stop_minutes);
    Workspace {
        id: workspace.id,
        name: spec.name,
        status: status(state.status),
        cause,
        deadline_at: state.deadline_at,
        failure: state.failure.map(|failure| Failure {
            step: failure.step,
            message: failure.message,
        }),
        node_id: workspace.node_id,
        node_name,
        connected,
        created_by: workspace.user_id,
        repository: spec.repository,
        branch: inside.branch.or(spec.branch),
        shallow: spec.shallow,
        isolation: inside.isolation.or(spec.isolation),
        image: inside.image.or(spec.image),
        recovery: inside.recovery,
        limits: spec.limits,
        attempt: state.attempt,
        step: inside.step.filter(|_| state.status == Status::Starting),
        terminals: if runs { inside.terminals } else { 0 },
        ports: if runs { inside.ports } else { Vec::new() },
        active_at,
        idle_stop_at: idle_stop_at.filter(|_| runs),
        idle_stop_minutes: spec.idle_stop_minutes,
        host: host(workspace.id, domain),
        created_at: workspace.created_at,
        running_since: state.running_since,
    }
}

/// What it waits for, or why it is so.
fn cause(row: &ShownRow) -> Option<String> {
    let state = &row.workspace.state;
    if let Some(cause) = state.cause {
        return Some(Cause::sentence(cause).to_owned());
    }
    let gone = matches!(state.status, Status::Deleted | Status::Failed | Status::Stopped);
    if !row.node_is_heard && !gone {
        return Some(format!("Its node `{}` cannot be reached.", row.node_name));
    }
    (state.status == Status::Queued).then(|| format!("It waits for its node `{}` to take it up.", row.node_name))
}

fn status(status: Status) -> WorkspaceStatus {
    match status {
        Status::Queued => WorkspaceStatus::Queued,
        Status::Starting => WorkspaceStatus::Starting,
        Status::Running => WorkspaceStatus::Running,
        Status::Stopping => WorkspaceStatus::Stopping,
        Status::Stopped => WorkspaceStatus::Stopped,
        Status::Failed => WorkspaceStatus::Failed,
        Status::Deleting => WorkspaceStatus::Deleting,
        Status::Deleted => WorkspaceStatus::Deleted,
    }
}
