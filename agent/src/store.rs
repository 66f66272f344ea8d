//! The agent's database: what is still to be told, and how far each workspace's start got. One thread owns it; what comes
//! in while it commits shares the next commit.
//!
//! An entry exists once it is committed, and is kept until the control plane has taken it. A step's end and the progress
//! it means are one commit, so that a crash forgets both or neither.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use rusqlite::Connection;
use sam_contract::agent::outbox::{Entry, StepStatus, What};
use sam_contract::ids::WorkspaceId;
use tokio::sync::{Notify, oneshot};

mod progress;
mod tables;

pub use progress::{Progress, Settled};

/// Statements of one commit at most.
const BATCH_MAX: usize = 256;

/// The database's door. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    commands: Sender<Command>,
    fresh: Arc<Notify>,
}

/// What is waiting to be told: entries with their places.
pub type Waiting = Vec<(i64, Entry)>;

enum Command {
    Write {
        entry: Option<Box<Entry>>,
        progress: Option<Box<(WorkspaceId, Option<Progress>)>>,
    },
    Ack {
        through: i64,
        done: oneshot::Sender<()>,
    },
    Flush(oneshot::Sender<()>),
    Waiting {
        limit: usize,
        answer: oneshot::Sender<Waiting>,
    },
    Progress(oneshot::Sender<Vec<(WorkspaceId, Progress)>>),
}

/// The database cannot be used, or its thread has ended.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refuses.
    #[error("the agent's database cannot be used: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Its thread ended, with the reason in the log.
    #[error("the agent's database has stopped; the log says why")]
    Stopped,
}

impl Store {
    /// Opens the database and starts its thread.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = tables::open(path)?;
        let (commands, receiver) = channel();
        let fresh = Arc::new(Notify::new());
        let wake = Arc::clone(&fresh);
        std::thread::Builder::new()
            .name("store".to_owned())
            .stack_size(256 * 1024)
            .spawn(move || {
                if let Err(error) = serve(connection, &receiver, &wake) {
                    tracing::error!(%error, "the database has failed; nothing more is written down");
                }
            })
            .map_err(|_| StoreError::Stopped)?;
        Ok(Self { commands, fresh })
    }

    /// Writes down an entry and the progress that it means, in order with everything before; see [`Self::flush`].
    pub fn write(&self, entry: Option<Entry>, progress: Option<(WorkspaceId, Option<Progress>)>) {
        // A stopped thread is found out by whoever flushes.
        let _ = self.commands.send(Command::Write {
            entry: entry.map(Box::new),
            progress: progress.map(Box::new),
        });
    }

    /// Returns when everything before is on disk.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.ask(Command::Flush).await
    }

    /// The oldest entries, at most so many.
    pub async fn waiting(&self, limit: usize) -> Result<Waiting, StoreError> {
        self.ask(|answer| Command::Waiting { limit, answer }).await
    }

    /// Forgets entries up to and including that place: they were taken.
    pub async fn ack(&self, through: i64) -> Result<(), StoreError> {
        self.ask(|done| Command::Ack { through, done }).await
    }

    /// How far each start got.
    pub async fn progress(&self) -> Result<Vec<(WorkspaceId, Progress)>, StoreError> {
        self.ask(Command::Progress).await
    }

    /// Returns when there may be new entries.
    pub async fn fresh(&self) {
        self.fresh.notified().await;
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(command(answer)).map_err(|_| StoreError::Stopped)?;
        answered.await.map_err(|_| StoreError::Stopped)
    }
}

fn serve(mut connection: Connection, commands: &Receiver<Command>, fresh: &Notify) -> Result<(), StoreError> {
    // Entries up to here are being sent: they may no longer be replaced.
    let mut sending = 0;
    while let Ok(first) = commands.recv() {
        let batch = std::iter::once(first).chain(commands.try_iter().take(BATCH_MAX));
        let mut done = Vec::new();
        let mut wrote = false;
        let commit = connection.transaction()?;
        for command in batch {
            match command {
                Command::Write { entry, progress } => {
                    if let Some(entry) = entry {
                        tables::append(&commit, &entry, passing(&entry).as_deref(), sending)?;
                        wrote = true;
                    }
                    if let Some(progress) = progress {
                        tables::set_progress(&commit, progress.0, progress.1.as_ref())?;
                    }
                }
                Command::Ack { through, done: end } => {
                    tables::forget(&commit, through)?;
                    done.push(end);
                }
                Command::Flush(end) => done.push(end),
                Command::Waiting { limit, answer } => {
                    let waiting = tables::waiting(&commit, limit)?;
                    sending = waiting.last().map_or(sending, |(place, _)| *place);
                    let _ = answer.send(waiting);
                }
                Command::Progress(answer) => {
                    let _ = answer.send(tables::progress(&commit)?);
                }
            }
        }
        commit.commit()?;
        for end in done {
            let _ = end.send(());
        }
        if wrote {
            fresh.notify_one();
        }
    }
    Ok(())
}

/// The name under which a passing state replaces the one before, so that an agent that is cut off for hours during a long
/// clone keeps one entry for it and not thousands. Beginnings and ends replace nothing.
fn passing(entry: &Entry) -> Option<String> {
    match &entry.what {
        What::Step(step) if step.status == StepStatus::Running && !(step.tail.is_empty() && step.percent.is_none()) => {
            Some(format!("{}/{}/{}", step.workspace, step.attempt, step.n))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
