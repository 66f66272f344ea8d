//! A guest's own `BEGIN … COMMIT` (or outermost `SAVEPOINT`).
//!
//! ```text
//!            BEGIN                COMMIT / ROLLBACK (answered after the fsync)
//!  group ──────────▶ held ─────────────────────────────────────────────▶ group
//!                     │ deadline, connection dropped, error that ends the transaction
//!                     └──────────────── ROLLBACK ──────────────────────▶ group
//! ```
//!
//! While held, all other writers of this database wait; that is what SQLite does too, here with a deadline.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::engine::Engine;
use super::{Job, TransactionEnd};
use crate::Error;
use crate::statement::Kind;

/// Serves one transaction to its end. `end` is set before the answer that tells the guest about it.
pub(super) fn serve(engine: &Engine, first: Job, rest: &Receiver<Job>, end: &TransactionEnd) {
    let limit = engine.options.transaction_time_max;
    let deadline = Instant::now() + limit;
    engine.set_transaction(true);
    let mut next = Some(first);
    let reason = loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let job = match next.take().map_or_else(|| rest.recv_timeout(left), Ok) {
            Ok(job) => job,
            Err(RecvTimeoutError::Disconnected) => break None,
            Err(RecvTimeoutError::Timeout) => break Some(Error::TransactionExpired { limit }),
        };
        match step(engine, job, left, end) {
            Step::Open => {}
            Step::Over => break None,
            Step::Expired => break Some(Error::TransactionExpired { limit }),
        }
    };
    engine.rollback();
    engine.set_transaction(false);
    let _ = end.set(reason);
}

enum Step {
    Open,
    Over,
    Expired,
}

fn step(engine: &Engine, job: Job, left: Duration, end: &TransactionEnd) -> Step {
    let limit = left.min(engine.options.statement_time_max);
    let result = match job.statement.kind {
        Kind::Begin | Kind::End => engine.run(&job.statement, job.last_insert_rowid, limit),
        _ => engine.run_atomically(&job.statement, job.last_insert_rowid, limit),
    };
    let late = matches!(result, Err(Error::TimeLimit { .. })) && limit == left;
    if late {
        let error = Error::TransactionExpired {
            limit: engine.options.transaction_time_max,
        };
        engine.rollback();
        let _ = end.set(Some(error.clone()));
        job.answer(Err(error));
        return Step::Expired;
    }
    let open = engine.in_transaction();
    if !open {
        let _ = end.set(None);
    }
    job.answer(result);
    if open { Step::Open } else { Step::Over }
}
