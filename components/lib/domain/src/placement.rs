//! Where a new workspace goes when nobody says.

use crate::nodes::Status;

/// A gibibyte.
const GIB: u64 = 1 << 30;

/// A node that might take a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// Where it is in its life.
    pub status: Status,
    /// Whether its tunnel is open: without it nobody could work in the workspace.
    pub connected: bool,
    /// Workspaces that it has.
    pub workspaces: u32,
    /// Cores; 0 when not told yet.
    pub cpus: u32,
    /// Bytes of memory; 0 when not told yet.
    pub memory_bytes: u64,
}

/// Why no node takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Nowhere {
    /// There is none.
    #[error("there is no node yet: add a machine under Nodes first")]
    NoNode,
    /// None works.
    #[error("none of the {0} nodes can be reached: check that `sam-agent` runs on one of them")]
    NoneReady(usize),
    /// All that work are being drained.
    #[error("all nodes that can be reached are being drained: resume one of them, or add a machine")]
    AllDraining,
    /// None has a tunnel.
    #[error("no node has its tunnel open: wait a moment, or look at the log of `sam-agent`")]
    NoneConnected,
    /// All are full.
    #[error(
        "all nodes that can be reached have {0} workspaces, the most one node may have: delete one, or add a machine"
    )]
    AllFull(u32),
}

/// The node with the fewest workspaces for its size. Ties go to the older node, so that the choice can be foretold.
///
/// # Errors
/// Which of the things that a node needs none has.
pub fn choose(candidates: &[Candidate], workspaces_max: u32) -> Result<&Candidate, Nowhere> {
    if candidates.is_empty() {
        return Err(Nowhere::NoNode);
    }
    let heard: Vec<_> = candidates.iter().filter(|node| node.status.is_heard()).collect();
    if heard.is_empty() {
        return Err(Nowhere::NoneReady(candidates.len()));
    }
    let ready: Vec<_> = heard.into_iter().filter(|node| node.status == Status::Ready).collect();
    if ready.is_empty() {
        return Err(Nowhere::AllDraining);
    }
    let connected: Vec<_> = ready.into_iter().filter(|node| node.connected).collect();
    if connected.is_empty() {
        return Err(Nowhere::NoneConnected);
    }
    let roomy = connected.into_iter().filter(|node| node.workspaces < workspaces_max);
    roomy
        .min_by(|a, b| load(a).cmp(&load(b)).then_with(|| a.id.cmp(&b.id)))
        .ok_or(Nowhere::AllFull(workspaces_max))
}

/// Thousandths of a workspace per core or per 2 GiB, whichever is scarcer, once it has one more.
fn load(node: &Candidate) -> u64 {
    let workspaces = u64::from(node.workspaces) + 1;
    let slots = u64::from(node.cpus.max(1)).min((node.memory_bytes / (2 * GIB)).max(1));
    workspaces.saturating_mul(1_000) / slots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, workspaces: u32, cpus: u32, gib: u64) -> Candidate {
        Candidate {
            id: id.to_owned(),
            status: Status::Ready,
            connected: true,
            workspaces,
            cpus,
            memory_bytes: gib * GIB,
        }
    }

    fn check(candidates: &[Candidate], expect: Result<&str, Nowhere>) {
        assert_eq!(choose(candidates, 5).map(|node| node.id.as_str()), expect);
    }

    #[test]
    fn the_least_busy_for_its_size() {
        check(&[node("a", 1, 4, 16), node("b", 0, 4, 16)], Ok("b"));
        check(&[node("a", 2, 16, 64), node("b", 1, 2, 8)], Ok("a"));
        check(&[node("a", 0, 16, 2), node("b", 1, 8, 32)], Ok("b"));
        check(&[node("b", 0, 4, 16), node("a", 0, 4, 16)], Ok("a"));
        check(&[node("a", 0, 0, 0), node("b", 3, 2, 4)], Ok("a"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let with = |status, connected, workspaces| Candidate {
            status,
            connected,
            ..node("a", workspaces, 4, 16)
        };
        check(&[], Err(Nowhere::NoNode));
        check(&[with(Status::Unreachable, false, 0)], Err(Nowhere::NoneReady(1)));
        check(
            &[with(Status::Draining, true, 0), with(Status::Pending, false, 0)],
            Err(Nowhere::AllDraining),
        );
        check(
            &[with(Status::Ready, false, 0), with(Status::Draining, true, 0)],
            Err(Nowhere::NoneConnected),
        );
        check(&[with(Status::Ready, true, 5)], Err(Nowhere::AllFull(5)));
    }
}
