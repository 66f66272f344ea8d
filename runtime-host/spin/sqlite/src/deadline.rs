//! Stops a statement that runs too long, from inside SQLite.
//!
//! SQLite calls the progress handler every so many virtual machine steps; when the deadline of the running
//! statement has passed, the handler makes it fail with `SQLITE_INTERRUPT`. No watchdog thread is needed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// Virtual machine steps between two looks at the clock: about 20 µs of work for some 30 ns of checking.
const STEPS: i32 = 1000;

/// The deadline of whatever one SQLite connection is running.
#[derive(Clone)]
pub(crate) struct Deadline {
    start: Instant,
    /// Microseconds after `start`; `u64::MAX` when nothing is limited.
    at: Arc<AtomicU64>,
}

impl Deadline {
    /// Installs the handler on `connection`; nothing is limited yet.
    pub(crate) fn install(connection: &mut Connection) -> Result<Self, rusqlite::Error> {
        let deadline = Self {
            start: Instant::now(),
            at: Arc::new(AtomicU64::new(u64::MAX)),
        };
        let handler = deadline.clone();
        connection.progress_handler(STEPS, Some(move || handler.passed()))?;
        Ok(deadline)
    }

    /// Runs `work`, whose statements fail with `SQLITE_INTERRUPT` once `limit` has passed.
    pub(crate) fn limit<T>(&self, limit: Duration, work: impl FnOnce() -> T) -> T {
        let at = (self.start.elapsed() + limit).as_micros();
        self.at.store(u64::try_from(at).unwrap_or(u64::MAX), Ordering::Relaxed);
        let result = work();
        self.at.store(u64::MAX, Ordering::Relaxed);
        result
    }

    fn passed(&self) -> bool {
        let at = self.at.load(Ordering::Relaxed);
        at != u64::MAX && u128::from(at) < self.start.elapsed().as_micros()
    }
}
