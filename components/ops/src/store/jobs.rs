//! Queues as a whole: which are due, how they fare, and what is parked in them.

use sam_contract::http::admin::DeadLetter;
use sam_contract::http::health::QueueHealth;
use sam_contract::ids::JobId;
use sam_contract::queues::QUEUES;
use sam_kit::db::{Db, DbError, Row};
use sam_kit::params;
use serde_json::json;

fn queue_names() -> String {
    json!(QUEUES.iter().map(|queue| queue.name).collect::<Vec<_>>()).to_string()
}

/// The names of queues with a job that somebody could take now.
///
/// # Errors
/// When the database fails.
pub async fn due(db: &impl Db, now: i64) -> Result<Vec<String>, DbError> {
    let sql = "SELECT value AS queue FROM json_each(?1) WHERE EXISTS (
        SELECT 1 FROM jobs WHERE queue = value AND done_at IS NULL AND parked_at IS NULL AND run_at <= ?2
            AND (lease_until IS NULL OR lease_until <= ?2))";
    let rows = db.query(sql, params![queue_names(), now]).await?;
    rows.iter().map(|row| row.get("queue")).collect()
}

/// Each queue's numbers, in one statement.
///
/// # Errors
/// When the database fails.
pub async fn health(db: &impl Db, now: i64) -> Result<Vec<QueueHealth>, DbError> {
    let sql = "SELECT value AS queue,
            (SELECT count(*) FROM jobs WHERE queue = value AND done_at IS NULL AND parked_at IS NULL) AS depth,
            (SELECT ?2 - min(run_at) FROM jobs
                WHERE queue = value AND done_at IS NULL AND parked_at IS NULL AND run_at <= ?2) AS oldest_age_ms,
            (SELECT max(succeeded_at) FROM jobs WHERE queue = value AND succeeded_at IS NOT NULL) AS last_success_at,
            (SELECT count(*) FROM jobs WHERE queue = value AND done_at IS NULL AND parked_at IS NOT NULL) AS dead
        FROM json_each(?1)";
    let rows = db.query(sql, params![queue_names(), now]).await?;
    let read = |row: &Row| {
        Ok(QueueHealth {
            queue: row.get("queue")?,
            depth: row.get("depth")?,
            oldest_age_ms: row.get("oldest_age_ms")?,
            last_success_at: row.get("last_success_at")?,
            dead: row.get("dead")?,
        })
    };
    rows.iter().map(read).collect()
}

/// A page of parked jobs, newest first, with one row more than `rows` when there is a next page.
///
/// # Errors
/// When the database fails.
pub async fn parked(db: &impl Db, before: &str, rows: u32) -> Result<Vec<DeadLetter>, DbError> {
    let sql = "SELECT id, queue, kind, key, attempts, coalesce(last_error, 'unknown') AS cause, parked_at FROM jobs
        WHERE parked_at IS NOT NULL AND done_at IS NULL AND id < ?1 ORDER BY id DESC LIMIT ?2";
    let found = db.query(sql, params![before, rows.saturating_add(1)]).await?;
    let read = |row: &Row| {
        Ok(DeadLetter {
            id: row.parse("id")?,
            queue: row.get("queue")?,
            kind: row.get("kind")?,
            key: row.get("key")?,
            attempts: row.get("attempts")?,
            cause: row.get("cause")?,
            parked_at: row.get("parked_at")?,
        })
    };
    found.iter().map(read).collect()
}

/// Puts a parked job back into its queue. Gives the queue, or none when no such job is parked.
///
/// # Errors
/// When the database fails.
pub async fn retry(db: &impl Db, id: JobId, now: i64) -> Result<Option<String>, DbError> {
    let sql = "UPDATE jobs SET parked_at = NULL, attempts = 0, run_at = ?2
        WHERE id = ?1 AND parked_at IS NOT NULL AND done_at IS NULL RETURNING queue";
    db.row(sql, params![id, now])
        .await?
        .map(|row| row.get("queue"))
        .transpose()
}
