//! The ledger of migrations.

use sam_domain::migrations::{Migration, Recorded};
use sam_kit::db::{Db, DbError};
use sam_kit::params;

/// What is recorded, in order.
///
/// # Errors
/// When the database fails.
pub async fn recorded(db: &impl Db) -> Result<Vec<Recorded>, DbError> {
    let sql = "SELECT version, name, checksum, steps, min_binary, applied_at FROM schema_migrations ORDER BY version";
    let rows = db.query(sql, params![]).await?;
    let read = |row: &sam_kit::db::Row| {
        Ok(Recorded {
            version: row.get("version")?,
            name: row.get("name")?,
            checksum: row.get("checksum")?,
            steps: usize::try_from(row.get::<u32>("steps")?).unwrap_or_default(),
            min_binary: row.get("min_binary")?,
            finished: row.get::<Option<i64>>("applied_at")?.is_some(),
        })
    };
    rows.iter().map(read).collect()
}

/// Records that a migration is begun.
///
/// # Errors
/// When the database fails.
pub async fn begin(db: &impl Db, migration: &Migration) -> Result<(), DbError> {
    let sql = "INSERT INTO schema_migrations (version, name, checksum, steps, min_binary) VALUES (?1, ?2, ?3, 0, ?4)
        ON CONFLICT (version) DO NOTHING";
    db.query(
        sql,
        params![
            migration.version,
            migration.name,
            migration.checksum(),
            migration.min_binary()
        ],
    )
    .await?;
    Ok(())
}

/// Records that so many statements are done.
///
/// # Errors
/// When the database fails.
pub async fn step(db: &impl Db, version: i64, done: usize) -> Result<(), DbError> {
    let done = i64::try_from(done).unwrap_or(i64::MAX);
    db.query(
        "UPDATE schema_migrations SET steps = ?2 WHERE version = ?1",
        params![version, done],
    )
    .await?;
    Ok(())
}

/// Records that all are.
///
/// # Errors
/// When the database fails.
pub async fn finish(db: &impl Db, version: i64, now: i64) -> Result<(), DbError> {
    db.query(
        "UPDATE schema_migrations SET applied_at = ?2 WHERE version = ?1",
        params![version, now],
    )
    .await?;
    Ok(())
}

/// The newest finished migration; 0 before the first.
///
/// # Errors
/// When the database fails, also when it was never migrated.
pub async fn version(db: &impl Db) -> Result<i64, DbError> {
    let sql = "SELECT coalesce(max(version), 0) AS version FROM schema_migrations WHERE applied_at IS NOT NULL";
    db.row(sql, params![]).await?.map_or(Ok(0), |row| row.get("version"))
}
