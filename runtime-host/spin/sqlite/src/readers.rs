//! The pool of read-only connections.
//!
//! A read starts **on the caller's thread**: most are over within microseconds, and a hop to another thread would
//! cost more than the read. One that is not over within [`INLINE_TIME`], or returns more than [`INLINE_BYTES`], is
//! stopped and started again on a blocking thread, from where its rows are streamed (`readers/cursor.rs`). Starting
//! again is safe: nothing was delivered yet, and a read changes nothing.

mod cursor;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::open::{self, Opened};
use crate::rows::{self, Collect};
use crate::statement::Statement;
use crate::{Error, Options, RowStream};

/// Longest stay on the caller's thread, which other requests need too.
const INLINE_TIME: Duration = Duration::from_millis(2);
/// Largest result that is handed over in one piece from the caller's thread.
const INLINE_BYTES: usize = 256 << 10;

pub(crate) struct Readers {
    idle: Mutex<Vec<Opened>>,
    /// As many permits as readers, so that a permit always finds one in `idle`.
    free: Arc<Semaphore>,
    /// Streams keep a reader for long; some readers are always left for short reads.
    streams: Arc<Semaphore>,
    options: Arc<Options>,
}

/// What became of a statement that looked like a read.
pub(crate) enum Read {
    Rows(RowStream),
    /// It writes; given back for the writer.
    Writes(Statement),
}

impl Readers {
    /// Opens all readers at once, so that a problem shows at start.
    pub(crate) fn open(path: &Path, options: &Arc<Options>) -> Result<Arc<Self>, Error> {
        let count = options.readers.max(2);
        let mut idle = Vec::with_capacity(count);
        for _ in 0..count {
            idle.push(open::reader(path, options)?);
        }
        Ok(Arc::new(Self {
            idle: Mutex::new(idle),
            free: Arc::new(Semaphore::new(count)),
            streams: Arc::new(Semaphore::new(count / 2)),
            options: Arc::clone(options),
        }))
    }

    /// Runs `statement` if it only reads.
    pub(crate) async fn read(self: &Arc<Self>, statement: Statement) -> Result<Read, Error> {
        {
            let lease = self.lease().await?;
            match attempt(lease.reader()?, &statement) {
                Attempt::Done(result) => return result.map(Read::Rows),
                Attempt::Writes => return Ok(Read::Writes(statement)),
                Attempt::Long => {}
            }
        }
        let permit = Arc::clone(&self.streams)
            .acquire_owned()
            .await
            .map_err(|_| Error::Closed)?;
        let lease = self.lease().await?;
        cursor::start(lease, permit, statement, &self.options)
            .await
            .map(Read::Rows)
    }

    async fn lease(self: &Arc<Self>) -> Result<Lease, Error> {
        let permit = Arc::clone(&self.free)
            .acquire_owned()
            .await
            .map_err(|_| Error::Closed)?;
        let reader = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(Lease {
            reader,
            pool: Arc::clone(self),
            _permit: permit,
        })
    }
}

/// A reader taken out of the pool; goes back when dropped, before its permit does.
pub(crate) struct Lease {
    reader: Option<Opened>,
    pool: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    pub(crate) fn reader(&self) -> Result<&Opened, Error> {
        self.reader.as_ref().ok_or(Error::Closed)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            self.pool
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(reader);
        }
    }
}

enum Attempt {
    Done(Result<RowStream, Error>),
    Writes,
    Long,
}

fn attempt(reader: &Opened, statement: &Statement) -> Attempt {
    let mut collect = Collect::new(INLINE_BYTES);
    let result = reader.deadline.limit(INLINE_TIME, || -> Result<bool, Error> {
        let mut prepared = reader.connection.prepare_cached(&statement.sql)?;
        if !prepared.readonly() {
            return Ok(false);
        }
        rows::run(&mut prepared, &statement.params, &mut collect)?;
        Ok(true)
    });
    match result {
        Ok(true) => Attempt::Done(Ok(RowStream::ready(collect.result))),
        Ok(false) => Attempt::Writes,
        Err(Error::TimeLimit { .. } | Error::ResultTooLarge { .. }) => Attempt::Long,
        Err(error) => Attempt::Done(Err(reader.policy.explain(error))),
    }
}
