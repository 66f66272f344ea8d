//! Deleting what is over, in portions: a long delete would hold up every other writer.

use sam_contract::queues::QUEUES;
use sam_kit::db::{Db, DbError};
use sam_kit::params;

/// Rows of one portion: a few milliseconds of writing.
const PORTION: u32 = 500;

/// Windows of rate limits are minutes to hours long; a day later none is current.
const RATE_LIMIT_KEPT_MS: i64 = 86_400_000;

/// Deletes done jobs that succeeded before this time.
///
/// # Errors
/// When the database fails.
pub async fn done_jobs(db: &impl Db, before: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM jobs WHERE id IN (
        SELECT id FROM jobs WHERE queue = ?2 AND succeeded_at < ?1 AND done_at IS NOT NULL LIMIT ?3) RETURNING 1";
    for queue in QUEUES {
        while db.query(sql, params![before, queue.name, PORTION]).await?.len() >= PORTION as usize {}
    }
    Ok(())
}

/// Deletes counters of windows that are long over.
///
/// # Errors
/// When the database fails.
pub async fn rate_limits(db: &impl Db, now: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM rate_limits WHERE key IN (
        SELECT key FROM rate_limits WHERE window_start < ?1 LIMIT ?2) RETURNING 1";
    while db.query(sql, params![now - RATE_LIMIT_KEPT_MS, PORTION]).await?.len() >= PORTION as usize {}
    Ok(())
}

/// Deletes error reports older than this time.
///
/// # Errors
/// When the database fails.
pub async fn errors(observability: &impl Db, before: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM errors WHERE id IN (SELECT id FROM errors WHERE at < ?1 LIMIT ?2) RETURNING 1";
    while observability.query(sql, params![before, PORTION]).await?.len() >= PORTION as usize {}
    Ok(())
}
