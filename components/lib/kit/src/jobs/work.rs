//! The loop of a worker: claim, step, complete or fail, until nothing is due or the call has lasted long enough.

use std::future::Future;

use sam_contract::http::work::Worked;
use sam_contract::queues::Queue;

use super::{Job, claim, complete, fail};
use crate::db::Db;
use crate::error::ApiError;
use crate::reply::Wake;

/// How long one call of a worker goes on. The host calls again at once when there is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Jobs at most.
    pub jobs_max: u32,
    /// No further job is begun after this long: well below the request time-out of 30 s.
    pub ms_max: i64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            jobs_max: 100,
            ms_max: 10_000,
        }
    }
}

/// How a step ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// The job is over.
    Finished,
    /// The job is due again after this many milliseconds.
    AgainIn(i64),
}

/// How a step ended well, and whom to wake for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stepped {
    /// Whether the job is over.
    pub done: Done,
    /// Whom the host should wake.
    pub wakes: Vec<Wake>,
}

impl From<Done> for Stepped {
    fn from(done: Done) -> Self {
        Self {
            done,
            wakes: Vec::new(),
        }
    }
}

/// Works on a queue. A step's error is kept with its job and stops no other job.
///
/// # Errors
/// When the database fails; jobs that are held then come back when their leases run out.
pub async fn work<S, F>(
    db: &impl Db,
    queue: &Queue,
    budget: Budget,
    clock: impl Fn() -> i64 + Send,
    step: S,
) -> Result<Worked, ApiError>
where
    S: Fn(Job) -> F + Send,
    F: Future<Output = Result<Done, ApiError>> + Send,
{
    let begun = clock();
    let mut worked = Worked::default();
    for _ in 0..budget.jobs_max {
        let now = clock();
        if now.saturating_sub(begun) > budget.ms_max {
            break;
        }
        let Some(job) = claim(db, queue, now).await? else {
            return Ok(worked);
        };
        // A job whose worker died each time has used up its attempts without ever failing.
        let result = if job.attempt > queue.attempts_max {
            Err(ApiError::internal(format!(
                "the worker ended without a result {} times",
                queue.attempts_max
            )))
        } else {
            step(job.clone()).await
        };
        match result {
            Ok(done) => {
                if complete(db, &job, done, clock()).await? {
                    worked.done += 1;
                }
            }
            Err(error) => {
                let cause = error.internal.as_deref().unwrap_or(&error.message);
                fail(db, queue, &job, cause, clock()).await?;
                worked.failed += 1;
            }
        }
    }
    worked.more = true;
    Ok(worked)
}
