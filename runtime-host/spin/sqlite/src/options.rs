//! The limits of a database, with their defaults and reasons.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How a database is opened and what its guests may use.
#[derive(Clone)]
pub struct Options {
    /// Read-only connections. Each costs up to 2 MiB of page cache; reads beyond this number wait.
    pub readers: usize,
    /// Statements waiting for the writer; callers beyond it wait before they are queued (back-pressure).
    pub queue_max: usize,
    /// Statements in one commit. Bounds how long the first member waits for the last.
    pub batch_max: usize,
    /// How long one statement may run.
    pub statement_time_max: Duration,
    /// How long a guest's `BEGIN … COMMIT` may keep all other writers of this database waiting.
    pub transaction_time_max: Duration,
    /// How long a streamed read may stay open. It keeps the write-ahead log from being reused.
    pub cursor_time_max: Duration,
    /// A buffered result (RETURNING rows, `Connection::query`) may hold this many bytes.
    pub result_bytes_max: usize,
    /// The longest text or blob, and the longest row.
    pub value_bytes_max: u32,
    /// The longest SQL text.
    pub sql_bytes_max: u32,
    /// Prepared statements kept per SQLite connection.
    pub statement_cache: usize,
    /// How long to wait for a lock that another process holds on the file.
    pub busy_timeout: Duration,
    /// The most pages (of 4096 bytes) the file may have; `None` leaves only the disk as limit.
    pub pages_max: Option<u32>,
    /// Called on the writer thread after each commit; must return quickly.
    pub on_batch: Option<Arc<dyn Fn(BatchReport) + Send + Sync>>,
}

/// One group commit, for metrics.
#[derive(Clone, Copy, Debug)]
pub struct BatchReport {
    /// Statements acknowledged by this commit.
    pub statements: usize,
    /// Time of `COMMIT` alone, mostly the `fsync`.
    pub commit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            readers: 6,
            queue_max: 1024,
            batch_max: 256,
            statement_time_max: Duration::from_secs(10),
            transaction_time_max: Duration::from_secs(5),
            cursor_time_max: Duration::from_secs(10),
            result_bytes_max: 16 << 20,
            value_bytes_max: 64 << 20,
            sql_bytes_max: 1 << 20,
            statement_cache: 128,
            busy_timeout: Duration::from_secs(5),
            pages_max: None,
            on_batch: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("readers", &self.readers)
            .field("queue_max", &self.queue_max)
            .field("batch_max", &self.batch_max)
            .field("pages_max", &self.pages_max)
            .finish_non_exhaustive()
    }
}
