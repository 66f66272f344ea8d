//! Workspaces: what is wanted of one, and what its node says that it is.
//!
//! ```text
//!            taken up           ready
//!   queued ───────────▶ starting ─────▶ running ──── stop, idle ───▶ stopping ──confirmed──▶ stopped
//!     ▲ │                  │ ▲             │                             │                      │
//!     │ │ deadline         │ └─ its node ──┤                    deadline │                      │
//!     │ ▼                  ▼    starts it  │                             ▼                      │
//!     │ failed ◀─ step failed, deadline    │                          failed (stop)             │
//!     │   │                                ▼                                                    │
//!     └───┴── start, restart, rebuild: attempt + 1 ◀────────────────────────────────────────────┘
//!
//!   any ── delete ──▶ deleting ── confirmed by the node, or the node was forgotten ──▶ deleted
//!                        └─ deadline ─▶ failed (delete), still wanted: a late confirmation counts
//! ```
//!
//! Two things are kept apart: what is wanted (`desire`, `generation`, `attempt`), which only people and the idle rule
//! change, and `status`, which follows from what the node reports. Reports may be lost, repeated and reordered: each
//! names the generation and attempt that it is about, and one about an older wish changes nothing. `deleted` is
//! reached by the node's own word only. A failure by deadline does not end the wish: when the node does it after all,
//! its word counts.

pub mod branch;
pub mod image;
pub mod limits;
pub mod repository;
mod status;

pub use status::{Cause, Desire, Status};

use crate::effects::{Effects, Facts};
use crate::profile::{self, TextProblem};

/// Longest name, in characters.
pub const NAME_CHARS_MAX: usize = 60;

/// Ending processes takes seconds; a node that has not confirmed it after this long is asked about.
pub const STOP_MS: i64 = 120_000;

/// Removing containers and many files takes longer.
pub const DELETE_MS: i64 = 600_000;

/// Longest kept sentence of a node about a failure, in characters.
const MESSAGE_CHARS_MAX: usize = 2_000;

/// What failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The step of a start, or `stop`, `delete`.
    pub step: String,
    /// Why, in a sentence that says what to do.
    pub message: String,
}

impl Failure {
    fn new(step: &str, message: String) -> Option<Self> {
        Some(Self {
            step: step.to_owned(),
            message,
        })
    }
}

/// The state of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Where it is in its life.
    pub status: Status,
    /// What is wanted.
    pub desire: Desire,
    /// Grows with each change of what is wanted.
    pub generation: i64,
    /// Grows with each start that a person asks for.
    pub attempt: i64,
    /// Whether this attempt begins with a new container.
    pub rebuild: bool,
    /// Why it is so.
    pub cause: Option<Cause>,
    /// When a status that waits gives up.
    pub deadline_at: Option<i64>,
    /// What failed.
    pub failure: Option<Failure>,
    /// Became running.
    pub running_since: Option<i64>,
}

/// What a node says that a workspace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Its start is under way.
    Starting,
    /// It can be worked in.
    Running,
    /// Its end is under way.
    Stopping,
    /// Files kept, nothing runs.
    Stopped,
    /// Its deletion is under way.
    Deleting,
    /// Everything of it is gone.
    Deleted,
    /// What was wanted failed.
    Failed,
    /// Kept, but nobody wants it as far as the node knows; or a state that this version does not know.
    Other,
}

/// A node's word about a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The wish that it is about.
    pub generation: i64,
    /// The attempt that it is about.
    pub attempt: i64,
    /// What it is.
    pub seen: Seen,
    /// The step that is under way.
    pub step: Option<String>,
    /// What failed.
    pub failure: Option<Failure>,
}

/// What happens to a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A person starts it after it was stopped or has failed.
    Start,
    /// A person ends what runs and starts it again.
    Restart,
    /// The same, with a new container.
    Rebuild,
    /// A person stops it.
    Stop,
    /// Nobody worked in it for too long.
    Idle,
    /// A person deletes it.
    Delete,
    /// Its node was forgotten.
    NodeForgotten,
    /// Its node reports.
    Reported(Word),
    /// Time passed. `step` is what its node was last seen at.
    Tick {
        /// The step that is under way, as far as known.
        step: Option<String>,
    },
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Gone.
    #[error("this workspace was deleted")]
    Gone,
    /// On its way out.
    #[error("this workspace is being deleted")]
    Leaving,
    /// There is nothing to start.
    #[error("this workspace is {}: only a stopped one, or one that failed, can be started", .0.as_str())]
    NotStopped(Status),
    /// There is nothing to stop.
    #[error("this workspace is {}: there is nothing to stop", .0.as_str())]
    NothingRuns(Status),
}

/// A new workspace, to be started at once.
pub const fn new(now: i64, start_ms: i64) -> Workspace {
    Workspace {
        status: Status::Queued,
        desire: Desire::Running,
        generation: 1,
        attempt: 1,
        rebuild: false,
        cause: None,
        deadline_at: Some(now.saturating_add(start_ms)),
        failure: None,
        running_since: None,
    }
}

/// What becomes of a workspace. `start_ms` is how long a start may take.
///
/// # Errors
/// When a person's wish makes no sense in this state. Reports and time are never refused.
pub fn step(was: &Workspace, event: Event, now: i64, start_ms: i64) -> Result<Workspace, Refusal> {
    if was.status == Status::Deleted {
        return match event {
            Event::Reported(_) | Event::Tick { .. } | Event::Idle | Event::NodeForgotten => Ok(was.clone()),
            _ => Err(Refusal::Gone),
        };
    }
    match event {
        Event::Start if !matches!(was.status, Status::Stopped | Status::Failed) => {
            leaving(was)?;
            Err(Refusal::NotStopped(was.status))
        }
        Event::Start | Event::Restart => started(was, false, now, start_ms),
        Event::Rebuild => started(was, true, now, start_ms),
        Event::Stop => stopped(was, None, now),
        Event::Idle if was.status == Status::Running => stopped(was, Some(Cause::Idle), now),
        Event::Idle => Ok(was.clone()),
        Event::Delete => Ok(deleted(was, now)),
        Event::NodeForgotten => Ok(gone(was, Some(Cause::NodeForgotten))),
        Event::Reported(word) => Ok(reported(was, word, now, start_ms)),
        Event::Tick { step } => Ok(tick(was, step.as_deref(), now)),
    }
}

fn leaving(was: &Workspace) -> Result<(), Refusal> {
    if was.desire == Desire::Deleted {
        Err(Refusal::Leaving)
    } else {
        Ok(())
    }
}

fn started(was: &Workspace, rebuild: bool, now: i64, start_ms: i64) -> Result<Workspace, Refusal> {
    leaving(was)?;
    Ok(Workspace {
        desire: Desire::Running,
        generation: was.generation + 1,
        attempt: was.attempt + 1,
        rebuild,
        ..queued(was, now, start_ms)
    })
}

fn queued(was: &Workspace, now: i64, start_ms: i64) -> Workspace {
    Workspace {
        status: Status::Queued,
        cause: None,
        deadline_at: Some(now.saturating_add(start_ms)),
        failure: None,
        running_since: None,
        ..was.clone()
    }
}

fn stopped(was: &Workspace, cause: Option<Cause>, now: i64) -> Result<Workspace, Refusal> {
    leaving(was)?;
    // A start that failed may have left something running; a stop that failed may be asked for again.
    if matches!(was.status, Status::Stopped | Status::Stopping) {
        return Err(Refusal::NothingRuns(was.status));
    }
    Ok(Workspace {
        status: Status::Stopping,
        desire: Desire::Stopped,
        generation: was.generation + 1,
        cause,
        deadline_at: Some(now.saturating_add(STOP_MS)),
        failure: None,
        running_since: None,
        ..was.clone()
    })
}

/// Deleting again only waits anew: the wish is the same, and a confirmation that is on its way counts.
fn deleted(was: &Workspace, now: i64) -> Workspace {
    let is_new = was.desire != Desire::Deleted;
    Workspace {
        status: Status::Deleting,
        desire: Desire::Deleted,
        generation: was.generation + i64::from(is_new),
        cause: None,
        deadline_at: Some(now.saturating_add(DELETE_MS)),
        failure: None,
        running_since: None,
        ..was.clone()
    }
}

fn gone(was: &Workspace, cause: Option<Cause>) -> Workspace {
    Workspace {
        status: Status::Deleted,
        desire: Desire::Deleted,
        cause,
        deadline_at: None,
        failure: None,
        running_since: None,
        ..was.clone()
    }
}

fn reported(was: &Workspace, word: Word, now: i64, start_ms: i64) -> Workspace {
    match was.desire {
        Desire::Running => wanted_running(was, word, now, start_ms),
        Desire::Stopped => wanted_stopped(was, word),
        Desire::Deleted => wanted_deleted(was, word),
    }
}

/// A start is told apart by its attempt. One that is newer than ours was asked for before we were put back to an older
/// state: it is what is wanted, and we take over its number.
fn wanted_running(was: &Workspace, word: Word, now: i64, start_ms: i64) -> Workspace {
    if word.attempt < was.attempt {
        return was.clone();
    }
    let was = Workspace {
        attempt: word.attempt,
        generation: was.generation.max(word.generation),
        ..was.clone()
    };
    match (was.status, word.seen) {
        (Status::Running, Seen::Running) => was,
        (_, Seen::Running) => Workspace {
            status: Status::Running,
            cause: None,
            deadline_at: None,
            failure: None,
            running_since: Some(now),
            ..was
        },
        (Status::Queued, Seen::Starting) => Workspace {
            status: Status::Starting,
            ..was
        },
        // Its node starts it again by itself: its container ended, or the machine was restarted.
        (Status::Running, Seen::Starting) => Workspace {
            status: Status::Starting,
            ..queued(&was, now, start_ms)
        },
        (Status::Running, Seen::Stopped | Seen::Stopping) => queued(&was, now, start_ms),
        (_, Seen::Failed) => failed(&was, word.failure, "start"),
        _ => was,
    }
}

fn wanted_stopped(was: &Workspace, word: Word) -> Workspace {
    if word.generation < was.generation {
        return was.clone();
    }
    match word.seen {
        Seen::Stopped => Workspace {
            status: Status::Stopped,
            deadline_at: None,
            failure: None,
            running_since: None,
            ..was.clone()
        },
        Seen::Failed => failed(was, word.failure, "stop"),
        _ => was.clone(),
    }
}

fn wanted_deleted(was: &Workspace, word: Word) -> Workspace {
    if word.generation < was.generation {
        return was.clone();
    }
    match word.seen {
        Seen::Deleted => gone(was, None),
        Seen::Failed => failed(was, word.failure, "delete"),
        _ => was.clone(),
    }
}

fn failed(was: &Workspace, failure: Option<Failure>, step: &str) -> Workspace {
    let failure = failure.map(|failure| Failure {
        step: failure.step.chars().take(NAME_CHARS_MAX).collect(),
        message: failure.message.chars().take(MESSAGE_CHARS_MAX).collect(),
    });
    let unnamed = || {
        Failure::new(
            step,
            "The node did not say why: look at the log of `sam-agent`.".to_owned(),
        )
    };
    Workspace {
        status: Status::Failed,
        cause: None,
        deadline_at: None,
        failure: failure.or_else(unnamed),
        running_since: None,
        ..was.clone()
    }
}

fn tick(was: &Workspace, step: Option<&str>, now: i64) -> Workspace {
    if was.deadline_at.is_none_or(|at| at > now) {
        return was.clone();
    }
    let (step, message) = match was.status {
        Status::Queued => (
            "queue",
            "Its node has not taken it up in time: check that the node can be reached, then start it again.",
        ),
        Status::Starting => (
            step.unwrap_or("start"),
            "This step was not over in time: look at its log, then start it again.",
        ),
        Status::Stopping => (
            "stop",
            "Its node has not confirmed the end yet: it is stopped as soon as the node can be reached.",
        ),
        Status::Deleting => (
            "delete",
            "Its node has not confirmed the deletion yet: it is deleted as soon as the node can be reached.",
        ),
        Status::Running | Status::Stopped | Status::Failed | Status::Deleted => return was.clone(),
    };
    failed(was, Failure::new(step, message.to_owned()), step)
}

/// Whether the node has to be told.
pub fn wish_changed(was: &Workspace, next: &Workspace) -> bool {
    let wish = |of: &Workspace| {
        (
            of.desire,
            of.generation,
            of.attempt,
            of.rebuild,
            of.status == Status::Deleted,
        )
    };
    wish(was) != wish(next)
}

/// The news of a workspace: whoever shows it reads it again.
pub fn news(id: &str, node: &str, status: Status) -> Effects {
    let payload: Facts = vec![
        ("workspace_id", id.into()),
        ("node_id", node.into()),
        ("status", status.as_str().into()),
    ];
    Effects::event("workspace.updated", 1, payload)
}

/// When a workspace is stopped for lack of activity; none when it is not.
pub fn idle_stop_at(running_since: Option<i64>, active_at: Option<i64>, idle_minutes: u32) -> Option<i64> {
    if idle_minutes == 0 {
        return None;
    }
    let since = running_since?.max(active_at.unwrap_or_default());
    Some(since.saturating_add(i64::from(idle_minutes) * 60_000))
}

/// Tidies a name.
///
/// # Errors
/// When it is none.
pub fn name(text: &str) -> Result<String, TextProblem> {
    profile::line(text, NAME_CHARS_MAX)
}

#[cfg(test)]
mod tests;
