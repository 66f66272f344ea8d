//! Looks up what a request presents. Only hashes are stored, so a look-up by hash is all there is to checking.

use http::HeaderMap;
use sam_contract::http::tokens::Scope as WireScope;
use sam_domain::tokens::Scope;
use sam_domain::users::{Role, Status};
use sam_domain::{secrets, sessions};

use super::{Credential, Knock, Principal};
use crate::db::{Db, DbError, Row};
use crate::error::ApiError;
use crate::{db, later, params};

const SESSION: &str = "SELECT s.id, s.account_id, s.user_id, s.last_seen_at AS seen_at, u.role, u.status
    FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.token_hash = ?1 AND s.revoked_at IS NULL AND s.expires_at > ?2";

const TOKEN: &str = "SELECT t.id, t.account_id, t.user_id, t.last_used_at AS seen_at, t.scopes, u.role, u.status
    FROM api_tokens t JOIN users u ON u.id = t.user_id
    WHERE t.token_hash = ?1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > ?2)";

// The condition keeps two requests of the same second from writing twice.
const SESSION_SEEN: &str = "UPDATE sessions SET last_seen_at = ?2 WHERE id = ?1 AND last_seen_at < ?2";
const TOKEN_SEEN: &str =
    "UPDATE api_tokens SET last_used_at = ?2 WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";

/// The token of `authorization: Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The user behind the credential of a request; none without one, or when it is unknown, ended or revoked.
///
/// A bearer token that fails is not made up for by a cookie: whoever sends one means it.
pub(super) async fn find(db: &impl Db, knock: &Knock<'_>) -> Result<Option<Principal>, ApiError> {
    let (sql, seen_sql, hash) = if knock.headers.contains_key(http::header::AUTHORIZATION) {
        (
            TOKEN,
            TOKEN_SEEN,
            bearer(knock.headers).and_then(secrets::api_token_hash),
        )
    } else {
        (
            SESSION,
            SESSION_SEEN,
            knock.site.session_secret(knock.headers).and_then(secrets::opaque_hash),
        )
    };
    let Some(hash) = hash else { return Ok(None) };
    let Some(row) = db.row(sql, params![hash, knock.now]).await? else {
        return Ok(None);
    };
    if sessions::is_seen_again(row.get("seen_at")?, knock.now) {
        note_use(seen_sql, row.get("id")?, knock.now);
    }
    Ok(Some(principal(&row, sql == TOKEN)?))
}

/// After the response, and nobody waits for it: a lost note costs a minute of precision.
fn note_use(sql: &'static str, id: String, now: i64) {
    later::spawn(async move {
        // A failure is of no consequence, and the next request notes again.
        let _ = db::CORE.query(sql, params![id, now]).await;
    });
}

fn principal(row: &Row, by_token: bool) -> Result<Principal, DbError> {
    let credential = if by_token {
        Credential::Token(row.parse("id")?, row.decode("scopes", scopes)?)
    } else {
        Credential::Session(row.parse("id")?)
    };
    Ok(Principal {
        user_id: row.parse("user_id")?,
        account_id: row.parse("account_id")?,
        role: row.decode("role", role)?,
        status: row.decode("status", status)?,
        credential,
    })
}

fn role(text: &str) -> Option<Role> {
    [Role::User, Role::Admin, Role::Superadmin]
        .into_iter()
        .find(|role| role.as_str() == text)
}

fn status(text: &str) -> Option<Status> {
    [Status::Active, Status::Pending, Status::Suspended]
        .into_iter()
        .find(|status| status.as_str() == text)
}

fn scopes(json: &str) -> Option<Vec<Scope>> {
    let wire: Vec<WireScope> = serde_json::from_str(json).ok()?;
    Some(wire.into_iter().map(domain_scope).collect())
}

pub(super) fn domain_scope(scope: WireScope) -> Scope {
    match scope {
        WireScope::Read => Scope::Read,
        WireScope::Write => Scope::Write,
        WireScope::Admin => Scope::Admin,
    }
}

pub(super) fn scope_text(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read",
        Scope::Write => "write",
        Scope::Admin => "admin",
    }
}
