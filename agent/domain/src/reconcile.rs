//! What happens next with one workspace: the control plane's wish and what was found here go in, one decision comes out.
//!
//! ```text
//!                     ┌── Start(attempt) ──▶ Unfinished ──▶ Ready ──(its runtime dies)──▶ Start again, a few times
//!   Running wished ───┤                          │
//!                     └── Rest(Failed) ◀── Failed at a step; only a new attempt tries again
//!   Stopped wished ───── Stop ──▶ Stopped (files kept)
//!   Deleted wished ───── Delete ──▶ nothing left, confirmed by looking ──▶ Rest(Deleted)
//!   nothing wished ───── Rest(Orphan): kept as it is, whatever it is
//! ```
//!
//! Nothing here remembers anything: after a crash at any point the same facts lead to the same decision. A job under way is
//! given up when [`continues`] says that the wish has moved on; whatever it left behind is found by the next look.

/// What the control plane wants of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// What it should be.
    pub goal: Goal,
    /// Number of the start.
    pub attempt: i64,
    /// The start begins with a new container.
    pub rebuild: bool,
}

/// What a workspace should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// There, with its runtime.
    Running,
    /// There, files kept, nothing running.
    Stopped,
    /// Gone with everything. The tombstone: without it nothing is deleted.
    Deleted,
    /// Something that this version does not know: left as it is.
    Unknown,
}

/// What the agent wrote down about the newest start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Of which attempt.
    pub attempt: i64,
    /// How it went.
    pub outcome: Outcome,
    /// How often its runtime died in a row, each soon after the one before.
    pub deaths: u32,
}

/// How a start went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Under way, or broken off by a crash.
    Unfinished,
    /// It was ready.
    Ready,
    /// A step failed.
    Failed,
    /// It was stopped as wished.
    Stopped,
}

/// The container or the supervisor, as found by looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    /// There is none.
    Absent,
    /// There is one that does not run.
    Stopped,
    /// It runs.
    Alive,
    /// Whoever would know does not answer.
    Unknown,
}

/// Everything that a decision rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// What is wanted; none for an orphan.
    pub wish: Option<Wish>,
    /// What was written down.
    pub record: Option<Record>,
    /// What runs.
    pub runtime: Runtime,
    /// Whether there are files.
    pub files: bool,
}

/// What a workspace is, for the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It can be worked in.
    Running,
    /// Files kept, nothing runs.
    Stopped,
    /// Its start failed.
    Failed,
    /// Nothing is left.
    Deleted,
    /// Not wanted by anybody, kept.
    Orphan,
    /// Wanted in a way that this version does not know, kept.
    Unknown,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: it is as it should be, or must be left.
    Rest(State),
    /// A job begins.
    Begin(Job),
    /// Its runtime dies again and again: the attempt has failed.
    GiveUp,
}

/// Something that takes time. Each may be repeated from its beginning at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Brings it up to ready.
    Start {
        /// Of this attempt.
        attempt: i64,
        /// What is cleared away before the attempt is written down.
        clear: Clear,
        /// Its runtime had died.
        revival: bool,
    },
    /// Ends what runs.
    Stop,
    /// Ends and removes everything, and looks whether it is gone.
    Delete,
}

/// What a new attempt clears away first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clear {
    /// Nothing: it goes on with what it finds.
    Nothing,
    /// What runs is ended.
    Processes,
    /// The container is removed.
    Container,
}

/// Deaths in a row after which an attempt is given up: a container that ends at once would be started for ever.
pub const DEATHS_MAX: u32 = 5;

/// A runtime that lived so long did not die of its start: the count begins anew.
pub const DEATHS_WITHIN_MS: i64 = 10 * 60 * 1000;

/// Decides.
#[must_use]
pub fn decide(facts: &Facts) -> Decision {
    let Some(wish) = facts.wish else {
        return Decision::Rest(State::Orphan);
    };
    match wish.goal {
        Goal::Unknown => Decision::Rest(State::Unknown),
        Goal::Deleted if !facts.files && facts.record.is_none() && facts.runtime == Runtime::Absent => {
            Decision::Rest(State::Deleted)
        }
        Goal::Deleted => Decision::Begin(Job::Delete),
        Goal::Stopped => stopped(facts),
        Goal::Running => running(facts, wish),
    }
}

fn stopped(facts: &Facts) -> Decision {
    let settled = facts.record.is_none_or(|record| record.outcome == Outcome::Stopped);
    match facts.runtime {
        Runtime::Absent | Runtime::Stopped if settled => Decision::Rest(State::Stopped),
        _ => Decision::Begin(Job::Stop),
    }
}

fn running(facts: &Facts, wish: Wish) -> Decision {
    let start = |clear, revival| {
        Decision::Begin(Job::Start {
            attempt: wish.attempt,
            clear,
            revival,
        })
    };
    let Some(record) = facts.record else {
        // Nothing was written down: whatever is found is no older attempt's, and is taken over by the steps.
        return start(Clear::Nothing, false);
    };
    if record.attempt < wish.attempt {
        let clear = if wish.rebuild {
            Clear::Container
        } else {
            Clear::Processes
        };
        return start(clear, false);
    }
    if record.attempt > wish.attempt {
        // The control plane was restored from a backup: its smaller number is taken up, and what runs goes on running.
        return start(Clear::Nothing, false);
    }
    match (record.outcome, facts.runtime) {
        (Outcome::Failed, _) => Decision::Rest(State::Failed),
        (Outcome::Ready, Runtime::Alive | Runtime::Unknown) => Decision::Rest(State::Running),
        (Outcome::Ready, _) if record.deaths >= DEATHS_MAX => Decision::GiveUp,
        (Outcome::Ready, _) => start(Clear::Nothing, true),
        (Outcome::Unfinished | Outcome::Stopped, _) => start(Clear::Nothing, false),
    }
}

/// Whether a job under way still serves the wish. A deletion is never given up: half a workspace is nobody's.
#[must_use]
pub fn continues(job: &Job, wish: Option<&Wish>) -> bool {
    match (job, wish.map(|wish| (wish.goal, wish.attempt))) {
        (Job::Delete, _) => true,
        (Job::Start { attempt, .. }, Some((Goal::Running, wished))) => *attempt == wished,
        (Job::Stop, Some((Goal::Stopped, _))) => true,
        // An unknown wish means "leave it", but what is under way ends better than it breaks off.
        (Job::Start { .. } | Job::Stop, Some((Goal::Unknown, _))) => true,
        _ => false,
    }
}

/// The count of deaths after another one.
#[must_use]
pub fn died(deaths: u32, lived_ms: i64) -> u32 {
    if lived_ms >= DEATHS_WITHIN_MS {
        1
    } else {
        deaths.saturating_add(1)
    }
}

#[cfg(test)]
mod tests;
