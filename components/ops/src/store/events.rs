//! The event log.

use sam_contract::http::events::Event;
use sam_contract::ids::AccountId;
use sam_kit::db::{Db, DbError, Row};
use sam_kit::params;

/// The newest cursor.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &impl Db) -> Result<i64, DbError> {
    let sql = "SELECT coalesce(max(seq), 0) AS seq FROM events";
    db.row(sql, params![]).await?.map_or(Ok(0), |row| row.get("seq"))
}

/// Up to `rows` events after a cursor, oldest first: those of the account, and for administrators also what happened
/// to users of other accounts. Events of `user.*` are those whose kind sorts from `user.` to before `user/`.
///
/// # Errors
/// When the database fails.
pub async fn after(
    db: &impl Db,
    account: AccountId,
    sees_users: bool,
    cursor: i64,
    rows: u32,
) -> Result<Vec<Event>, DbError> {
    let sql = "SELECT seq, id, account_id, kind, v, actor, payload, at FROM events
        WHERE seq > ?1 AND (account_id = ?2 OR (?3 AND kind >= 'user.' AND kind < 'user/'))
        ORDER BY seq LIMIT ?4";
    let found = db.query(sql, params![cursor, account, sees_users, rows]).await?;
    let read = |row: &Row| {
        Ok(Event {
            seq: row.get("seq")?,
            id: row.parse("id")?,
            account_id: row.parse("account_id")?,
            kind: row.get("kind")?,
            v: row.get("v")?,
            actor: row.get("actor")?,
            payload: row.decode("payload", |text| serde_json::from_str(text).ok())?,
            at: row.get("at")?,
        })
    };
    found.iter().map(read).collect()
}
