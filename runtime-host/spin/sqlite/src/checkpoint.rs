//! Moves the write-ahead log back into the database file beside the writer, not in its way.
//!
//! By default SQLite checkpoints inside the `COMMIT` that made the log long, so that one unlucky group waits for a
//! copy of 4 MB and a second `fsync`. Here a thread with a connection of its own does it while commits go on. It can
//! never quite catch up with a busy writer, and the log starts over only when nothing is left in it; so the writer
//! copies the rest itself once that is little.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use rusqlite::hooks::Wal;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, OpenFlags};

use crate::Error;

/// Pages in the log at which the thread starts to copy: 4 MB, SQLite's own default.
const START: u32 = 1_000;
/// Pages at which the writer ends the log if little is left to copy… Early, because overwriting the log is several
/// times faster than extending it, which makes the file system commit the new length as well.
const END: u32 = 2_000;
/// …which is this much, a few milliseconds,
const REST: u32 = 500;
/// and at which it does so however much is left: 128 MB. A reader that holds an old snapshot can still prevent it.
const FORCE: u32 = 32_000;

/// The writer's view of the log.
pub(crate) struct Checkpointer {
    /// Pages in the log after the last commit.
    pages: Arc<AtomicU32>,
    /// Pages of it that are in the database file already.
    copied: Arc<AtomicU32>,
    wake: SyncSender<()>,
}

impl Checkpointer {
    /// Takes over from SQLite's automatic checkpoint of `writer`. The thread ends with the returned value.
    pub(crate) fn start(writer: &mut Connection, path: &Path) -> Result<Self, Error> {
        let pages = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&pages);
        writer.wal_hook(Some(move |_: &mut Wal, in_log: i32| {
            counter.store(u32::try_from(in_log).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        let copier = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        copier.execute_batch("PRAGMA synchronous = FULL")?;
        let copied = Arc::new(AtomicU32::new(0));
        let progress = Arc::clone(&copied);
        let (wake, waiting) = mpsc::sync_channel(1);
        thread::Builder::new()
            .name("sqlite-checkpoint".into())
            .spawn(move || serve(&copier, &waiting, &progress))
            .map_err(|error| Error::Io(error.to_string()))?;
        Ok(Self { pages, copied, wake })
    }

    /// To be called between transactions; `writer` is the connection that commits.
    pub(crate) fn after_commit(&self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < START {
            return;
        }
        let left = pages.saturating_sub(self.copied.load(Ordering::Relaxed));
        if (pages >= END && left <= REST) || pages >= FORCE {
            copy(writer, &self.copied);
            // When nothing is left, the next write starts the log over.
            return;
        }
        // A full channel means that the thread will look anyway.
        let _ = self.wake.try_send(());
    }
}

fn serve(copier: &Connection, waiting: &Receiver<()>, copied: &AtomicU32) {
    while waiting.recv().is_ok() {
        copy(copier, copied);
    }
}

fn copy(connection: &Connection, copied: &AtomicU32) {
    match connection.wal_checkpoint_v2(Some("main"), CheckpointMode::PASSIVE) {
        Ok((_, done)) => copied.store(u32::try_from(done).unwrap_or(0), Ordering::Relaxed),
        // The other side is copying at this moment.
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {}
        Err(error) => {
            tracing::warn!(%error, "the write-ahead log could not be copied into the database; it grows until it can");
        }
    }
}
