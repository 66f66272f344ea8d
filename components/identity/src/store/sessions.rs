//! Rows of `sessions`. Looking a session up by its cookie is the guard's, in `kit`.

use sam_contract::ids::{AccountId, SessionId, UserId};
use sam_domain::secrets::SecretHash;
use sam_kit::db::{Db, DbError, Row};
use sam_kit::effects::Written;
use sam_kit::params;

use super::KEEP_ENDED_MS;

/// A row of `sessions`, without the hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Id.
    pub id: SessionId,
    /// What the browser called itself when it signed in.
    pub user_agent: String,
    /// Signed in.
    pub created_at: i64,
    /// Last request, to the minute.
    pub last_seen_at: i64,
    /// Ends by itself.
    pub expires_at: i64,
}

/// Begins a session, unless the user is suspended at that very moment. False then.
pub async fn insert(
    db: &impl Db,
    owner: (AccountId, UserId),
    session: &SessionRow,
    hash: SecretHash,
    effects: &Written,
) -> Result<bool, DbError> {
    let sql = "INSERT INTO sessions (id, account_id, user_id, token_hash, user_agent, created_at, last_seen_at, \
        expires_at, effects) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 \
        WHERE EXISTS (SELECT 1 FROM users WHERE id = ?3 AND account_id = ?2 AND status <> 'suspended') RETURNING id";
    let (account, user) = owner;
    let values = params![
        session.id,
        account,
        user,
        hash,
        session.user_agent.as_str(),
        session.created_at,
        session.last_seen_at,
        session.expires_at,
        effects.column()
    ];
    Ok(!db.query(sql, values).await?.is_empty())
}

/// The user's live sessions, newest first.
pub async fn list(db: &impl Db, owner: (AccountId, UserId), now: i64) -> Result<Vec<SessionRow>, DbError> {
    let sql = "SELECT id, user_agent, created_at, last_seen_at, expires_at FROM sessions \
        WHERE account_id = ? AND user_id = ? AND revoked_at IS NULL AND expires_at > ? ORDER BY id DESC";
    let (account, user) = owner;
    db.query(sql, params![account, user, now])
        .await?
        .iter()
        .map(session)
        .collect()
}

/// Ends a session of the user. False when there is no live one of that id.
pub async fn revoke(
    db: &impl Db,
    owner: (AccountId, UserId),
    id: SessionId,
    now: i64,
    effects: &Written,
) -> Result<bool, DbError> {
    let sql = "UPDATE sessions SET revoked_at = ?1, effects = ?2, version = version + 1 \
        WHERE id = ?3 AND account_id = ?4 AND user_id = ?5 AND revoked_at IS NULL AND expires_at > ?1 RETURNING id";
    let (account, user) = owner;
    Ok(!db
        .query(sql, params![now, effects.column(), id, account, user])
        .await?
        .is_empty())
}

/// Ends the user's sessions that began up to that time.
pub async fn revoke_all(db: &impl Db, user: UserId, made_until: i64, now: i64) -> Result<(), DbError> {
    let sql = "UPDATE sessions SET revoked_at = ?, version = version + 1 \
        WHERE user_id = ? AND created_at <= ? AND revoked_at IS NULL";
    db.query(sql, params![now, user, made_until]).await.map(drop)
}

/// Forgets a session that nobody was told of.
pub async fn forget(db: &impl Db, id: SessionId) -> Result<(), DbError> {
    db.query("DELETE FROM sessions WHERE id = ?", params![id])
        .await
        .map(drop)
}

/// Deletes sessions that ended long ago.
pub async fn prune(db: &impl Db, now: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM sessions WHERE expires_at < ?1 OR revoked_at < ?1";
    db.query(sql, params![now - KEEP_ENDED_MS]).await.map(drop)
}

fn session(row: &Row) -> Result<SessionRow, DbError> {
    Ok(SessionRow {
        id: row.parse("id")?,
        user_agent: row.get("user_agent")?,
        created_at: row.get("created_at")?,
        last_seen_at: row.get("last_seen_at")?,
        expires_at: row.get("expires_at")?,
    })
}
