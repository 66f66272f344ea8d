//! Appends to the audit log. The row brings its own sealing job along, so that no row stays unsealed.

use sam_contract::audit::{AuditAction, AuditOutcome};
use sam_contract::ids::{AccountId, JobId, RequestId, UserId};
use sam_contract::queues;
use serde_json::json;

use crate::db::Db;
use crate::error::ApiError;
use crate::{ids, params};

/// The kind and key of the one job that seals whatever is unsealed.
pub const SEAL: &str = "seal";

/// How long a new row waits for its seal: rows of the same second are sealed together.
const SEAL_DELAY_MS: i64 = 1_000;

/// Longest kept target: ids are 26 characters, and a path segment can be anything.
const TARGET_CHARS_MAX: usize = 64;

/// What is to be kept of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: i64,
    /// Who; none for someone who was not signed in, and for the host.
    pub actor: Option<UserId>,
    /// In which account.
    pub account: Option<AccountId>,
    /// What.
    pub action: AuditAction,
    /// On what.
    pub target: Option<String>,
    /// In which request.
    pub request_id: RequestId,
    /// How it ended.
    pub outcome: AuditOutcome,
}

/// Appends a row.
///
/// # Errors
/// When it could not be written.
pub async fn append(db: &impl Db, entry: &Entry) -> Result<(), ApiError> {
    let job: JobId = ids::new()?;
    let effects = json!({ "jobs": [{
        "id": job, "queue": queues::AUDIT.name, "kind": SEAL, "key": SEAL, "payload": "{}",
        "run_at": entry.at.saturating_add(SEAL_DELAY_MS), "at": entry.at,
    }] });
    let target = entry
        .target
        .as_ref()
        .map(|text| text.chars().take(TARGET_CHARS_MAX).collect::<String>());
    let sql = "INSERT INTO audit_log (at, actor_user_id, account_id, action, target, request_id, outcome, effects)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let params = params![
        entry.at,
        entry.actor,
        entry.account,
        entry.action.as_str(),
        target,
        entry.request_id,
        entry.outcome.as_str(),
        effects.to_string(),
    ];
    db.query(sql, params).await?;
    Ok(())
}
