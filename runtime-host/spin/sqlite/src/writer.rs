//! The one thread of a database that writes.
//!
//! It takes whatever is queued, runs it as one group with one `fsync` (`batch.rs`) and answers afterwards. While
//! the disk works, the next group gathers by itself, so groups grow with the load and no one waits for a timer. A
//! guest's explicit transaction is served alone, with a deadline (`transaction.rs`).

mod batch;
mod engine;
mod transaction;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, mpsc as blocking};
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::open::Opened;
use crate::statement::Statement;
use crate::{Error, Options, Rows};
use engine::Engine;

/// How often in a row the writer gives way in vain before it starts with a group smaller than the last.
const IDLE_TURNS: u32 = 8;

/// A statement on its way to the writer.
pub(crate) struct Job {
    pub(crate) statement: Statement,
    /// `last_insert_rowid` of the guest's connection, which an INSERT that inserts nothing leaves as it is.
    pub(crate) last_insert_rowid: i64,
    pub(crate) reply: oneshot::Sender<Result<Outcome, Error>>,
}

impl Job {
    fn answer(self, result: Result<Outcome, Error>) {
        // A caller that has gone away does not want to know.
        let _ = self.reply.send(result);
    }
}

/// What a finished statement leaves behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) rows: Rows,
    /// Rows changed, if the statement was of the kind that counts them.
    pub(crate) changes: Option<u64>,
    pub(crate) last_insert_rowid: i64,
}

/// Why an explicit transaction is over: `None` when its own COMMIT or ROLLBACK ended it.
pub(crate) type TransactionEnd = Arc<OnceLock<Option<Error>>>;

/// What the queue carries.
pub(crate) enum Request {
    /// One statement, to be committed with others.
    Run(Job),
    /// The start of an explicit transaction.
    Begin(Begin),
}

/// The first statement of an explicit transaction, and where the others will come from.
pub(crate) struct Begin {
    pub(crate) first: Job,
    pub(crate) rest: blocking::Receiver<Job>,
    pub(crate) end: TransactionEnd,
}

/// Counts of one writer; read by [`Database::stats`](crate::Database::stats).
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) statements: AtomicU64,
    pub(crate) retried_groups: AtomicU64,
    pub(crate) transactions: AtomicU64,
}

/// Starts the thread, which ends when the last sender is dropped.
pub(crate) fn start(
    path: &Path,
    opened: Opened,
    options: Arc<Options>,
    counters: Arc<Counters>,
) -> Result<mpsc::Sender<Request>, Error> {
    let (sender, queue) = mpsc::channel(options.queue_max);
    let name = path
        .file_stem()
        .map_or_else(|| "sqlite".into(), |stem| stem.to_string_lossy().into_owned());
    let engine = Engine::new(opened, path, options, counters)?;
    thread::Builder::new()
        .name(format!("sqlite-{name}"))
        .spawn(move || serve(&engine, queue))
        .map_err(|error| Error::Open {
            path: path.to_owned(),
            cause: Box::new(Error::Io(error.to_string())),
        })?;
    Ok(sender)
}

fn serve(engine: &Engine, mut queue: mpsc::Receiver<Request>) {
    let mut usual = 1;
    while let Some(first) = queue.blocking_recv() {
        let (group, begin) = gather(&mut queue, first, usual, engine.options.batch_max);
        if !group.is_empty() {
            usual = group.len();
            batch::commit(engine, group);
        }
        if let Some(Begin { first, rest, end }) = begin {
            engine.counters.transactions.fetch_add(1, Ordering::Relaxed);
            transaction::serve(engine, first, &rest, &end);
        }
        engine.tidy();
    }
}

/// Takes what is queued, up to an explicit transaction.
///
/// The callers of the last group have just been answered and many are about to come back, but the first of them is
/// here before the others had a chance to run: without looking twice, groups of one and of all-but-one would
/// alternate, with an `fsync` each. So while the group is smaller than `usual`, the thread gives way as long as that
/// brings someone. This is not a timer: a lone writer never waits, and giving way costs about a microsecond.
fn gather(queue: &mut mpsc::Receiver<Request>, first: Request, usual: usize, max: usize) -> (Vec<Job>, Option<Begin>) {
    let mut group = Vec::with_capacity(usual);
    let mut next = Some(first);
    let mut idle = 0;
    loop {
        match next.take() {
            Some(Request::Run(job)) => {
                group.push(job);
                idle = 0;
            }
            Some(Request::Begin(begin)) => return (group, Some(begin)),
            None if group.len() >= usual || idle == IDLE_TURNS => return (group, None),
            None => {
                idle += 1;
                thread::yield_now();
            }
        }
        if group.len() == max {
            return (group, None);
        }
        next = queue.try_recv().ok();
    }
}
