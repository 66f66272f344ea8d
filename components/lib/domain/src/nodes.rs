//! Nodes: how a machine joins, how it is known to be there, and how it goes.
//!
//! ```text
//!             enrolled              reported              silent for too long
//!   pending ───────────▶ enrolling ──────────▶ ready ◀───────────────────────▶ unreachable
//!    │  ▲                    │                 ▲  │       reported                  ▲
//!    │  │ new command        │ no report       │  │ drain                           │
//!    ▼  │                    └─ for 5 min ─────┼──┼─────────────────────────────────┤
//!   pending (expired)                   resume │  ▼                                 │
//!    │                                       draining ◀─────────────────────────────┘ silent; reported
//!    └ a day later ─▶ deleted ◀── deleted by a person, from any status
//! ```
//!
//! `unreachable` and `draining` wait for a person or for the machine itself, which may be a laptop that sleeps, and so
//! have no deadline. Whether a node is drained is kept while it is unreachable. Nothing here ever deletes what is on a
//! machine: a deleted node's agent is told, stops, and keeps everything.

use crate::effects::{Effects, NewJob};
use crate::profile::{self, TextProblem};

/// Longest name, in characters.
pub const NAME_CHARS_MAX: usize = 60;

/// An agent reports seconds after it joined; a machine that has not for this long has a problem of its own.
pub const FIRST_REPORT_MS: i64 = 300_000;

/// How long a node whose command expired unused is kept, so that another can be made for it.
pub const PENDING_KEEP_MS: i64 = 86_400_000;

/// The queue and kind of the job that tells `workspaces` that a node was forgotten.
pub const NODE_GONE: &str = "node-gone";

/// Where a node is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Waits for its command to be run.
    Pending,
    /// Joined, not heard of yet.
    Enrolling,
    /// Reports.
    Ready,
    /// Has not reported for too long.
    Unreachable,
    /// Reports, and takes no new workspaces.
    Draining,
    /// Gone.
    Deleted,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Enrolling,
        Self::Ready,
        Self::Unreachable,
        Self::Draining,
        Self::Deleted,
    ];

    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Enrolling => "enrolling",
            Self::Ready => "ready",
            Self::Unreachable => "unreachable",
            Self::Draining => "draining",
            Self::Deleted => "deleted",
        }
    }

    /// The status of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether its agent reports.
    pub const fn is_heard(self) -> bool {
        matches!(self, Self::Ready | Self::Draining)
    }
}

/// Why a node is as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nobody ran its command in time.
    CommandExpired,
    /// Its agent joined and was never heard of.
    NeverReported,
    /// Its agent fell silent.
    Silent,
    /// A person deleted it.
    Removed,
    /// A person had it forgotten, with what it holds.
    Forgotten,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::CommandExpired,
        Self::NeverReported,
        Self::Silent,
        Self::Removed,
        Self::Forgotten,
    ];

    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CommandExpired => "command-expired",
            Self::NeverReported => "never-reported",
            Self::Silent => "silent",
            Self::Removed => "removed",
            Self::Forgotten => "forgotten",
        }
    }

    /// The cause of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == name)
    }

    /// For people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::CommandExpired => "Its command expired before it was run: make another one.",
            Self::NeverReported => "It joined but has never reported: look at the log of `sam-agent` on the machine.",
            Self::Silent => "It has stopped reporting: check that the machine and `sam-agent` run and reach this site.",
            Self::Removed => "It was deleted.",
            Self::Forgotten => "It was forgotten; what is on the machine stays there.",
        }
    }
}

/// The state of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Where it is in its life.
    pub status: Status,
    /// Whether it should take no new workspaces, also while it is unreachable.
    pub draining: bool,
    /// Why.
    pub cause: Option<Cause>,
    /// When a status that waits for something gives up.
    pub deadline_at: Option<i64>,
    /// Of the process whose tunnel is open.
    pub tunnel_epoch: Option<i64>,
}

/// What happens to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A command was made with which a machine may join until then.
    CommandMade {
        /// Not valid after.
        expires_at: i64,
    },
    /// A person gave it another name.
    Renamed,
    /// A machine joined.
    Enrolled,
    /// A new process of its agent began.
    Started,
    /// A report arrived.
    Reported,
    /// A tunnel opened or closed.
    Tunnel {
        /// Of which process.
        epoch: i64,
        /// Open now.
        open: bool,
    },
    /// A person drains it.
    Drain,
    /// A person lets it work again.
    Resume,
    /// A person deletes it. Whether it has workspaces is asked by the store, in the same statement as it writes.
    Delete {
        /// Also when it has some.
        force: bool,
    },
    /// Time passed.
    Tick {
        /// The newest report; the moment it joined when there is none.
        seen_at: Option<i64>,
        /// Silence that is too long.
        unreachable_ms: i64,
    },
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It does not exist any more.
    #[error("this node was deleted")]
    Gone,
    /// Its machine has joined.
    #[error("a machine has joined this node already: delete the node first to let another one join")]
    Joined,
    /// Nothing has joined yet.
    #[error("no machine has joined this node yet")]
    NotJoined,
}

/// The state of a new node whose command is valid until then.
pub const fn new(expires_at: i64) -> Node {
    Node {
        status: Status::Pending,
        draining: false,
        cause: None,
        deadline_at: Some(expires_at),
        tunnel_epoch: None,
    }
}

/// What becomes of a node. `id` names it in news and jobs. The news are the same for whatever changed: readers look at
/// the row.
///
/// # Errors
/// When the event makes no sense in this state. Events of machines are never refused but by [`Refusal::Gone`].
pub fn step(was: Node, event: Event, id: &str, now: i64) -> Result<(Node, Effects), Refusal> {
    if was.status == Status::Deleted {
        return Err(Refusal::Gone);
    }
    let next = match event {
        Event::CommandMade { expires_at } => command_made(was, expires_at),
        Event::Renamed => was,
        Event::Enrolled => enrolled(was, now),
        Event::Started => Node {
            tunnel_epoch: None,
            ..was
        },
        Event::Reported => reported(was),
        Event::Tunnel { epoch, open } => tunnel(was, epoch, open),
        Event::Drain => drain(was, true)?,
        Event::Resume => drain(was, false)?,
        Event::Delete { force } => deleted(was, if force { Cause::Forgotten } else { Cause::Removed }),
        Event::Tick {
            seen_at,
            unreachable_ms,
        } => tick(was, seen_at, unreachable_ms, now),
    };
    Ok((next, effects(&was, &next, event, id)))
}

fn command_made(was: Node, expires_at: i64) -> Node {
    match was.status {
        Status::Pending => Node {
            cause: None,
            deadline_at: Some(expires_at),
            ..was
        },
        // For a machine that joins again under another key, nothing changes until it does.
        _ => was,
    }
}

/// A machine joins, or joins again with another key.
fn enrolled(was: Node, now: i64) -> Node {
    Node {
        status: Status::Enrolling,
        cause: None,
        deadline_at: Some(now.saturating_add(FIRST_REPORT_MS)),
        tunnel_epoch: None,
        ..was
    }
}

fn reported(was: Node) -> Node {
    if was.status == Status::Pending {
        return was;
    }
    Node {
        status: heard(was.draining),
        cause: None,
        deadline_at: None,
        ..was
    }
}

fn heard(draining: bool) -> Status {
    if draining { Status::Draining } else { Status::Ready }
}

/// A newer process's tunnel replaces an older one's; the end of an older one is no news then.
fn tunnel(was: Node, epoch: i64, open: bool) -> Node {
    let tunnel_epoch = match (open, was.tunnel_epoch) {
        (true, Some(current)) => Some(current.max(epoch)),
        (true, None) => Some(epoch),
        (false, Some(current)) if current <= epoch => None,
        (false, current) => current,
    };
    Node { tunnel_epoch, ..was }
}

fn drain(was: Node, draining: bool) -> Result<Node, Refusal> {
    if was.status == Status::Pending {
        return Err(Refusal::NotJoined);
    }
    let status = if was.status.is_heard() {
        heard(draining)
    } else {
        was.status
    };
    Ok(Node {
        status,
        draining,
        ..was
    })
}

fn deleted(was: Node, cause: Cause) -> Node {
    Node {
        status: Status::Deleted,
        cause: Some(cause),
        deadline_at: None,
        tunnel_epoch: None,
        ..was
    }
}

fn tick(was: Node, seen_at: Option<i64>, unreachable_ms: i64, now: i64) -> Node {
    let overdue = was.deadline_at.is_some_and(|at| at <= now);
    match was.status {
        Status::Pending if overdue && was.cause == Some(Cause::CommandExpired) => deleted(was, Cause::CommandExpired),
        Status::Pending if overdue => Node {
            cause: Some(Cause::CommandExpired),
            deadline_at: Some(now.saturating_add(PENDING_KEEP_MS)),
            ..was
        },
        Status::Enrolling if overdue => unreachable(was, Cause::NeverReported),
        Status::Ready | Status::Draining => {
            let silent = seen_at.is_none_or(|seen| now.saturating_sub(seen) >= unreachable_ms);
            if silent { unreachable(was, Cause::Silent) } else { was }
        }
        _ => was,
    }
}

fn unreachable(was: Node, cause: Cause) -> Node {
    Node {
        status: Status::Unreachable,
        cause: Some(cause),
        deadline_at: None,
        tunnel_epoch: None,
        ..was
    }
}

/// The news of a node: whoever shows it reads it again.
pub fn news(id: &str, status: Status) -> Effects {
    Effects::event(
        "node.updated",
        1,
        vec![("node_id", id.into()), ("status", status.as_str().into())],
    )
}

fn effects(was: &Node, next: &Node, event: Event, id: &str) -> Effects {
    if was == next {
        return Effects::default();
    }
    let told = news(id, next.status);
    if event == (Event::Delete { force: true }) {
        return told.and(Effects::job(NewJob {
            queue: "workspaces",
            kind: NODE_GONE,
            key: format!("{NODE_GONE}:{id}"),
            payload: vec![("node_id", id.into())],
            delay_ms: 0,
        }));
    }
    told
}

/// Tidies a name.
///
/// # Errors
/// When it is none.
pub fn name(text: &str) -> Result<String, TextProblem> {
    profile::line(text, NAME_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SILENCE_MS: i64 = 90_000;

    fn at(status: Status, deadline_at: Option<i64>) -> Node {
        Node {
            status,
            deadline_at,
            ..new(0)
        }
    }

    #[test]
    fn a_life() {
        let mut node = new(900_000);
        let mut go = |event, now| {
            let (next, effects) = step(node, event, "n", now).unwrap();
            node = next;
            (next.status, next.cause, effects.events.len())
        };
        let tick = |seen_at| Event::Tick {
            seen_at,
            unreachable_ms: SILENCE_MS,
        };
        assert_eq!(go(tick(None), 899_999), (Status::Pending, None, 0));
        assert_eq!(
            go(tick(None), 900_000),
            (Status::Pending, Some(Cause::CommandExpired), 1)
        );
        let again = Event::CommandMade { expires_at: 2_000_000 };
        assert_eq!(go(again, 950_000), (Status::Pending, None, 1));
        assert_eq!(go(Event::Enrolled, 960_000), (Status::Enrolling, None, 1));
        assert_eq!(go(Event::Reported, 970_000), (Status::Ready, None, 1));
        assert_eq!(go(Event::Reported, 980_000), (Status::Ready, None, 0));
        assert_eq!(go(Event::Drain, 980_000), (Status::Draining, None, 1));
        let silent = (Status::Unreachable, Some(Cause::Silent), 1);
        assert_eq!(go(tick(Some(980_000)), 1_069_999), (Status::Draining, None, 0));
        assert_eq!(go(tick(Some(980_000)), 1_070_000), silent);
        assert_eq!(
            go(Event::Reported, 1_080_000),
            (Status::Draining, None, 1),
            "still drained"
        );
        assert_eq!(go(Event::Resume, 1_080_000), (Status::Ready, None, 1));
        let forgotten = (Status::Deleted, Some(Cause::Forgotten), 1);
        assert_eq!(go(Event::Delete { force: true }, 1_090_000), forgotten);
        assert_eq!(step(node, Event::Reported, "n", 1_100_000), Err(Refusal::Gone));
    }

    #[test]
    fn an_unused_command_ends_as_deleted() {
        let tick = Event::Tick {
            seen_at: None,
            unreachable_ms: SILENCE_MS,
        };
        let (expired, _) = step(new(10), tick, "n", 10).unwrap();
        assert_eq!(expired.deadline_at, Some(10 + PENDING_KEEP_MS));
        let (kept, effects) = step(expired, tick, "n", 11).unwrap();
        assert_eq!((kept, effects), (expired, Effects::default()));
        let (gone, _) = step(expired, tick, "n", 10 + PENDING_KEEP_MS).unwrap();
        assert_eq!(
            (gone.status, gone.cause),
            (Status::Deleted, Some(Cause::CommandExpired))
        );
    }

    #[test]
    fn tunnels_of_older_processes_are_no_news() {
        let check = |current, epoch, open, expect| {
            let was = Node {
                tunnel_epoch: current,
                ..at(Status::Ready, None)
            };
            let (next, effects) = step(was, Event::Tunnel { epoch, open }, "n", 0).unwrap();
            assert_eq!(next.tunnel_epoch, expect, "{current:?} {epoch} {open}");
            assert_eq!(effects.events.is_empty(), current == expect);
        };
        check(None, 3, true, Some(3));
        check(Some(3), 4, true, Some(4));
        check(Some(4), 3, true, Some(4));
        check(Some(4), 3, false, Some(4));
        check(Some(4), 4, false, None);
        check(None, 4, false, None);
    }

    fn events() -> impl Strategy<Value = Event> {
        prop_oneof![
            (0..2_000_000_i64).prop_map(|expires_at| Event::CommandMade { expires_at }),
            Just(Event::Renamed),
            Just(Event::Enrolled),
            Just(Event::Started),
            Just(Event::Reported),
            (0..4_i64, any::<bool>()).prop_map(|(epoch, open)| Event::Tunnel { epoch, open }),
            Just(Event::Drain),
            Just(Event::Resume),
            any::<bool>().prop_map(|force| Event::Delete { force }),
            proptest::option::of(0..2_000_000_i64).prop_map(|seen_at| Event::Tick {
                seen_at,
                unreachable_ms: SILENCE_MS,
            }),
        ]
    }

    proptest! {
        /// Whatever happens in whatever order: who waits has a deadline, time alone ends each wait, a drained node is
        /// drained when it is back, and nothing comes back from the dead.
        #[test]
        fn whatever_happens(list in proptest::collection::vec((events(), 0..200_000_i64), 0..60)) {
            let mut node = new(900_000);
            let mut now = 0;
            for (event, ms) in list {
                now += ms;
                let was = node;
                match step(node, event, "n", now) {
                    Ok((next, effects)) => {
                        prop_assert_eq!(effects == Effects::default(), was == next);
                        node = next;
                    }
                    Err(Refusal::Gone) => prop_assert_eq!(node.status, Status::Deleted),
                    Err(_) => prop_assert_eq!(node.status, Status::Pending),
                }
                let waits = matches!(node.status, Status::Pending | Status::Enrolling);
                prop_assert_eq!(waits, node.deadline_at.is_some(), "{:?}", node);
                prop_assert_eq!(node.status == Status::Draining, node.draining && node.status.is_heard());
                if was.draining && event != Event::Resume {
                    prop_assert!(node.draining);
                }
                let needs_cause = matches!(node.status, Status::Unreachable | Status::Deleted);
                prop_assert!(!needs_cause || node.cause.is_some());
            }
            // Left alone, every wait ends.
            for _ in 0..3 {
                if let Some(at) = node.deadline_at {
                    let tick = Event::Tick { seen_at: None, unreachable_ms: SILENCE_MS };
                    node = step(node, tick, "n", at).unwrap().0;
                }
            }
            prop_assert!(node.deadline_at.is_none(), "{:?}", node);
        }
    }
}
