//! The jobs table: claim with a lease, complete with the lease, retry, park. See `domain::jobs` for a job's life.
//!
//! Jobs are enqueued by the triggers of stateful tables (`effects`), never from here, except for the recurring ones
//! that nothing else would start ([`ensure`]). A step must be idempotent: it runs at least once, and its lease
//! makes sure that at most one run is counted.

mod work;

use sam_contract::ids::{JobId, LeaseId};
use sam_contract::queues::Queue;
use sam_domain::jobs::{AfterFailure, Patience, after_failure};

pub use work::{Budget, Done, Stepped, work};

use crate::db::{Db, DbError};
use crate::error::ApiError;
use crate::{ids, params};

/// A job that a worker holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Id.
    pub id: JobId,
    /// What kind of work.
    pub kind: String,
    /// On what.
    pub key: String,
    /// JSON of what the worker needs to know beyond the key.
    pub payload: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The hold.
    pub lease: LeaseId,
}

/// Longest kept cause: a sentence or two for whoever looks at a dead letter.
const CAUSE_CHARS_MAX: usize = 1_000;

const CLAIM: &str = "UPDATE jobs SET lease_id = ?3, lease_until = ?2 + ?4, attempts = attempts + 1, rerun = 0
    WHERE id = (
        SELECT id FROM jobs
        WHERE queue = ?1 AND done_at IS NULL AND parked_at IS NULL AND run_at <= ?2
            AND (lease_until IS NULL OR lease_until <= ?2)
        ORDER BY run_at, id LIMIT 1
    )
    RETURNING id, kind, key, payload, attempts";

/// Takes the job that has been due for longest. One at a time: a job that kills its worker takes no other along.
///
/// # Errors
/// When the database fails.
pub async fn claim(db: &impl Db, queue: &Queue, now: i64) -> Result<Option<Job>, ApiError> {
    let lease: LeaseId = ids::new()?;
    let Some(row) = db.row(CLAIM, params![queue.name, now, lease, queue.lease_ms]).await? else {
        return Ok(None);
    };
    Ok(Some(Job {
        id: row.parse("id")?,
        kind: row.get("kind")?,
        key: row.get("key")?,
        payload: row.get("payload")?,
        attempt: row.get("attempts")?,
        lease,
    }))
}

const COMPLETE: &str = "UPDATE jobs SET
        done_at = CASE WHEN rerun = 0 AND ?4 IS NULL THEN ?3 END,
        run_at = CASE WHEN rerun = 1 THEN ?3 ELSE ?3 + coalesce(?4, 0) END,
        succeeded_at = ?3, attempts = 0, rerun = 0, lease_id = NULL, lease_until = NULL, last_error = NULL
    WHERE id = ?1 AND lease_id = ?2 AND done_at IS NULL
    RETURNING id";

/// Says that a job is done. False when the lease was lost: somebody else has the job, and this run does not count.
///
/// # Errors
/// When the database fails.
pub async fn complete(db: &impl Db, job: &Job, done: Done, now: i64) -> Result<bool, DbError> {
    let again_in_ms = match done {
        Done::Finished => None,
        Done::AgainIn(ms) => Some(ms),
    };
    Ok(db
        .row(COMPLETE, params![job.id, job.lease, now, again_in_ms])
        .await?
        .is_some())
}

const FAIL: &str = "UPDATE jobs SET run_at = coalesce(?3, run_at), parked_at = ?4, last_error = ?5,
        rerun = 0, lease_id = NULL, lease_until = NULL
    WHERE id = ?1 AND lease_id = ?2 AND done_at IS NULL
    RETURNING id";

/// Says that a job failed: it will be tried again, or is parked with its cause. False when the lease was lost.
///
/// # Errors
/// When the database fails.
pub async fn fail(db: &impl Db, queue: &Queue, job: &Job, cause: &str, now: i64) -> Result<bool, ApiError> {
    let patience = Patience {
        attempts_max: queue.attempts_max,
        backoff_ms: queue.backoff_ms,
        backoff_ms_max: queue.backoff_ms_max,
    };
    let jitter = u64::from_be_bytes(ids::entropy()?);
    let (run_at, parked_at) = match after_failure(patience, job.attempt, now, jitter) {
        AfterFailure::RetryAt(at) => (Some(at), None),
        AfterFailure::Park => (None, Some(now)),
    };
    let cause: String = cause.chars().take(CAUSE_CHARS_MAX).collect();
    Ok(db
        .row(FAIL, params![job.id, job.lease, run_at, parked_at, cause])
        .await?
        .is_some())
}

const ENSURE: &str = "INSERT INTO jobs (id, queue, kind, key, payload, run_at, created_at)
    VALUES (?1, ?2, ?3, ?3, '{}', ?4, ?4) ON CONFLICT (queue, key) WHERE done_at IS NULL DO NOTHING";

/// Makes sure that a recurring job exists.
///
/// # Errors
/// When the database fails.
pub async fn ensure(db: &impl Db, queue: &Queue, kind: &str, now: i64) -> Result<(), ApiError> {
    let id: JobId = ids::new()?;
    db.query(ENSURE, params![id, queue.name, kind, now]).await?;
    Ok(())
}
