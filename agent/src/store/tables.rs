//! The SQL of the agent's database.

use std::path::Path;

use rusqlite::{Connection, Result, params};
use sam_contract::agent::outbox::Entry;
use sam_contract::ids::WorkspaceId;

use super::Progress;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS outbox (
    place   INTEGER PRIMARY KEY AUTOINCREMENT,
    passing TEXT,
    entry   TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_passing ON outbox (passing) WHERE passing IS NOT NULL;
CREATE TABLE IF NOT EXISTS progress (
    workspace TEXT PRIMARY KEY,
    progress  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Opens it so that what is committed survives a power cut.
pub(super) fn open(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -256)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.execute_batch(TABLES)?;
    Ok(connection)
}

/// Adds an entry. With `passing` it takes the place of the unsent ones of that name.
pub(super) fn append(connection: &Connection, entry: &Entry, passing: Option<&str>, sending: i64) -> Result<()> {
    if let Some(passing) = passing {
        let mut replace = connection.prepare_cached("DELETE FROM outbox WHERE passing = ?1 AND place > ?2")?;
        replace.execute(params![passing, sending])?;
    }
    let text = serde_json::to_string(entry).unwrap_or_default();
    connection
        .prepare_cached("INSERT INTO outbox (passing, entry) VALUES (?1, ?2)")?
        .execute(params![passing, text])?;
    Ok(())
}

/// The oldest entries.
pub(super) fn waiting(connection: &Connection, limit: usize) -> Result<Vec<(i64, Entry)>> {
    let mut select = connection.prepare_cached("SELECT place, entry FROM outbox ORDER BY place LIMIT ?1")?;
    let rows = select.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut waiting = Vec::new();
    for row in rows {
        let (place, text) = row?;
        if let Ok(entry) = serde_json::from_str(&text) {
            waiting.push((place, entry));
        }
    }
    Ok(waiting)
}

/// Forgets what was taken.
pub(super) fn forget(connection: &Connection, through: i64) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM outbox WHERE place <= ?1")?
        .execute([through])?;
    Ok(())
}

/// Sets or forgets how far a start got.
pub(super) fn set_progress(connection: &Connection, workspace: WorkspaceId, progress: Option<&Progress>) -> Result<()> {
    let id = workspace.to_string();
    let Some(progress) = progress else {
        connection
            .prepare_cached("DELETE FROM progress WHERE workspace = ?1")?
            .execute([id])?;
        return Ok(());
    };
    let text = serde_json::to_string(progress).unwrap_or_default();
    connection
        .prepare_cached(
            "INSERT INTO progress (workspace, progress) VALUES (?1, ?2)
             ON CONFLICT (workspace) DO UPDATE SET progress = excluded.progress",
        )?
        .execute(params![id, text])?;
    Ok(())
}

/// How far each start got.
pub(super) fn progress(connection: &Connection) -> Result<Vec<(WorkspaceId, Progress)>> {
    let mut select = connection.prepare_cached("SELECT workspace, progress FROM progress")?;
    let rows = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut all = Vec::new();
    for row in rows {
        let (id, text) = row?;
        if let (Ok(id), Ok(progress)) = (id.parse(), serde_json::from_str(&text)) {
            all.push((id, progress));
        }
    }
    Ok(all)
}
