//! Rows of `login_links`.

use sam_contract::ids::{LoginLinkId, UserId};
use sam_domain::links::{Link, Purpose};
use sam_domain::secrets::SecretHash;
use sam_domain::users::Role;
use sam_kit::db::{Db, DbError, Row};
use sam_kit::params;

use super::KEEP_ENDED_MS;

macro_rules! columns {
    () => {
        "id, purpose, user_id, role, note, created_by, created_at, expires_at, used_at"
    };
}

/// A row of `login_links`, without the hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow {
    /// Id.
    pub id: LoginLinkId,
    /// Whom it signs in; none where redeeming makes a user.
    pub user_id: Option<UserId>,
    /// What it is for and until when.
    pub link: Link,
    /// For whom, in the inviter's words.
    pub note: Option<String>,
    /// Who made it; none for the host.
    pub created_by: Option<UserId>,
    /// Made.
    pub created_at: i64,
}

/// Keeps a new link.
pub async fn insert(db: &impl Db, row: &LinkRow, hash: SecretHash) -> Result<(), DbError> {
    let sql = "INSERT INTO login_links (id, purpose, user_id, role, note, token_hash, created_by, created_at, expires_at) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let link = row.link;
    let values = params![
        row.id,
        link.purpose.as_str(),
        row.user_id,
        link.role.as_str(),
        row.note.as_deref(),
        hash,
        row.created_by,
        row.created_at,
        link.expires_at
    ];
    db.query(sql, values).await.map(drop)
}

/// The link with this secret, used or not.
pub async fn find(db: &impl Db, hash: SecretHash) -> Result<Option<LinkRow>, DbError> {
    let sql = concat!("SELECT ", columns!(), " FROM login_links WHERE token_hash = ?");
    db.query(sql, params![hash]).await?.first().map(link).transpose()
}

/// Uses a link up. False when it is used or expired already: exactly one caller is told true.
pub async fn consume(db: &impl Db, id: LoginLinkId, user: UserId, now: i64) -> Result<bool, DbError> {
    let sql = "UPDATE login_links SET used_at = ?1, user_id = ?2 \
        WHERE id = ?3 AND used_at IS NULL AND expires_at > ?1 RETURNING id";
    Ok(!db.query(sql, params![now, user, id]).await?.is_empty())
}

/// Open invitations, newest first, after one of them.
pub async fn invites(db: &impl Db, after: Option<LoginLinkId>, rows: u32, now: i64) -> Result<Vec<LinkRow>, DbError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM login_links WHERE purpose = 'invite' AND used_at IS NULL AND expires_at > ?1 \
          AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3"
    );
    db.query(sql, params![now, after, rows])
        .await?
        .iter()
        .map(link)
        .collect()
}

/// Withdraws an open invitation. False when there is none of that id.
pub async fn withdraw(db: &impl Db, id: LoginLinkId) -> Result<bool, DbError> {
    let sql = "DELETE FROM login_links WHERE id = ? AND purpose = 'invite' AND used_at IS NULL RETURNING id";
    Ok(!db.query(sql, params![id]).await?.is_empty())
}

/// Withdraws the open links with which a user would sign in, if they were made up to that time.
pub async fn withdraw_of(db: &impl Db, user: UserId, made_until: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM login_links WHERE user_id = ? AND used_at IS NULL AND created_at <= ?";
    db.query(sql, params![user, made_until]).await.map(drop)
}

/// Deletes links that ended long ago.
pub async fn prune(db: &impl Db, now: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM login_links WHERE expires_at < ?";
    db.query(sql, params![now - KEEP_ENDED_MS]).await.map(drop)
}

fn link(row: &Row) -> Result<LinkRow, DbError> {
    Ok(LinkRow {
        id: row.parse("id")?,
        user_id: row.parse_opt("user_id")?,
        link: Link {
            purpose: row.decode("purpose", Purpose::named)?,
            role: row.decode("role", Role::named)?,
            expires_at: row.get("expires_at")?,
            used_at: row.get("used_at")?,
        },
        note: row.get("note")?,
        created_by: row.parse_opt("created_by")?,
        created_at: row.get("created_at")?,
    })
}
