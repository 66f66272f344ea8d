//! Rows of `api_tokens`. Looking a token up by its secret is the guard's, in `kit`.

use sam_contract::ids::{AccountId, ApiTokenId, UserId};
use sam_domain::secrets::SecretHash;
use sam_domain::tokens::{Grant, Scope};
use sam_kit::db::{Db, DbError, Row};
use sam_kit::effects::Written;
use sam_kit::params;

use super::KEEP_ENDED_MS;

/// A row of `api_tokens`, without the hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Id.
    pub id: ApiTokenId,
    /// Name, scopes, end.
    pub grant: Grant,
    /// The first characters of the secret.
    pub prefix: String,
    /// Made.
    pub created_at: i64,
    /// Last use, to the minute.
    pub last_used_at: Option<i64>,
}

/// Keeps a new token unless the user has `tokens_max` live ones, or is suspended at that very moment. False then.
pub async fn insert(
    db: &impl Db,
    owner: (AccountId, UserId),
    token: &TokenRow,
    hash: SecretHash,
    tokens_max: i64,
    effects: &Written,
) -> Result<bool, DbError> {
    let sql = "INSERT INTO api_tokens (id, account_id, user_id, name, prefix, token_hash, scopes, created_at, \
        expires_at, effects) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE (SELECT count(*) FROM api_tokens \
        WHERE user_id = ?3 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?8)) < ?11 \
        AND EXISTS (SELECT 1 FROM users WHERE id = ?3 AND account_id = ?2 AND status <> 'suspended') RETURNING id";
    let (account, user) = owner;
    let values = params![
        token.id,
        account,
        user,
        token.grant.name.as_str(),
        token.prefix.as_str(),
        hash,
        scopes_column(&token.grant.scopes),
        token.created_at,
        token.grant.expires_at,
        effects.column(),
        tokens_max
    ];
    Ok(!db.query(sql, values).await?.is_empty())
}

/// The user's live tokens, newest first.
pub async fn list(db: &impl Db, owner: (AccountId, UserId), now: i64) -> Result<Vec<TokenRow>, DbError> {
    let sql = "SELECT id, name, prefix, scopes, created_at, expires_at, last_used_at FROM api_tokens \
        WHERE account_id = ? AND user_id = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?) \
        ORDER BY id DESC";
    let (account, user) = owner;
    db.query(sql, params![account, user, now])
        .await?
        .iter()
        .map(token)
        .collect()
}

/// Revokes a token of the user. False when there is no live one of that id.
pub async fn revoke(
    db: &impl Db,
    owner: (AccountId, UserId),
    id: ApiTokenId,
    now: i64,
    effects: &Written,
) -> Result<bool, DbError> {
    let sql = "UPDATE api_tokens SET revoked_at = ?1, effects = ?2, version = version + 1 \
        WHERE id = ?3 AND account_id = ?4 AND user_id = ?5 AND revoked_at IS NULL \
        AND (expires_at IS NULL OR expires_at > ?1) RETURNING id";
    let (account, user) = owner;
    Ok(!db
        .query(sql, params![now, effects.column(), id, account, user])
        .await?
        .is_empty())
}

/// Revokes the user's tokens that were made up to that time.
pub async fn revoke_all(db: &impl Db, user: UserId, made_until: i64, now: i64) -> Result<(), DbError> {
    let sql = "UPDATE api_tokens SET revoked_at = ?, version = version + 1 \
        WHERE user_id = ? AND created_at <= ? AND revoked_at IS NULL";
    db.query(sql, params![now, user, made_until]).await.map(drop)
}

/// Deletes tokens that ended long ago.
pub async fn prune(db: &impl Db, now: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM api_tokens WHERE expires_at < ?1 OR revoked_at < ?1";
    db.query(sql, params![now - KEEP_ENDED_MS]).await.map(drop)
}

fn token(row: &Row) -> Result<TokenRow, DbError> {
    Ok(TokenRow {
        id: row.parse("id")?,
        grant: Grant {
            name: row.get("name")?,
            scopes: row.decode("scopes", scopes)?,
            expires_at: row.get("expires_at")?,
        },
        prefix: row.get("prefix")?,
        created_at: row.get("created_at")?,
        last_used_at: row.get("last_used_at")?,
    })
}

/// A JSON list of names. They are plain words, so there is nothing to escape.
fn scopes_column(scopes: &[Scope]) -> String {
    let names: Vec<_> = scopes.iter().map(|scope| format!("\"{}\"", scope.as_str())).collect();
    format!("[{}]", names.join(","))
}

fn scopes(column: &str) -> Option<Vec<Scope>> {
    let names: Vec<String> = serde_json::from_str(column).ok()?;
    names.iter().map(|name| Scope::named(name)).collect()
}
