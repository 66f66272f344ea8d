//! A database: one writer, several readers, cheap connections.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;

use crate::open;
use crate::readers::Readers;
use crate::writer::{self, Counters, Request};
use crate::{Connection, Error, Options};

/// An open database file. Clones share it; the writer ends when the last clone and connection is dropped.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) path: PathBuf,
    pub(crate) options: Arc<Options>,
    pub(crate) queue: mpsc::Sender<Request>,
    pub(crate) readers: Arc<Readers>,
    counters: Arc<Counters>,
}

/// What a database has done since it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Group commits.
    pub commits: u64,
    /// Statements in them.
    pub statements: u64,
    /// Groups that were run again member by member.
    pub retried_groups: u64,
    /// Explicit transactions.
    pub transactions: u64,
    /// Statements waiting for the writer now.
    pub queued: usize,
}

impl Database {
    /// Opens or creates the database at `path`; folders are made 0700, files 0600.
    ///
    /// One process may have it open: hold [`lock_data_dir`](crate::lock_data_dir) first. Blocks for some milliseconds.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, Error> {
        Self::open_with(path.as_ref(), options, "")
    }

    /// As [`Self::open`], with SQL of the host that runs first.
    pub(crate) fn open_with(path: &Path, options: Options, schema: &str) -> Result<Self, Error> {
        let path = path.to_owned();
        let options = Arc::new(options);
        let counters = Arc::new(Counters::default());
        let opened = open::writer(&path, &options, schema)?;
        let queue = writer::start(&path, opened, Arc::clone(&options), Arc::clone(&counters))?;
        let readers = Readers::open(&path, &options)?;
        Ok(Self {
            inner: Arc::new(Inner {
                path,
                options,
                queue,
                readers,
                counters,
            }),
        })
    }

    /// A connection for one guest. Costs nothing but a little memory.
    #[must_use]
    pub fn connect(&self) -> Connection {
        Connection::new(Arc::clone(&self.inner))
    }

    /// Counters for metrics.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let counters = &self.inner.counters;
        Stats {
            commits: counters.commits.load(Ordering::Relaxed),
            statements: counters.statements.load(Ordering::Relaxed),
            retried_groups: counters.retried_groups.load(Ordering::Relaxed),
            transactions: counters.transactions.load(Ordering::Relaxed),
            queued: self.inner.options.queue_max.saturating_sub(self.inner.queue.capacity()),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}
