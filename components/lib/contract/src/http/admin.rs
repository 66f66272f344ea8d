//! The audit log and parked jobs, for administrators.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::audit::{AuditAction, AuditOutcome};
use crate::ids::{AccountId, JobId, RequestId, UserId};

/// One row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Place in the log.
    pub seq: i64,
    /// When.
    pub at: i64,
    /// Who; null for someone who was not signed in, and for the host.
    #[schema(required)]
    pub actor_user_id: Option<UserId>,
    /// Their name today.
    #[schema(required)]
    pub actor_name: Option<String>,
    /// In which account.
    #[schema(required)]
    pub account_id: Option<AccountId>,
    /// What.
    pub action: AuditAction,
    /// On what: an id, or nothing.
    #[schema(required)]
    pub target: Option<String>,
    /// The request, to find it in the log.
    #[schema(required)]
    pub request_id: Option<RequestId>,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// Whether the row is in the hash chain yet. Takes a second or two.
    pub sealed: bool,
}

/// Which audit rows to list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// Only this user's.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub actor: Option<UserId>,
    /// Only this action.
    #[serde(default)]
    #[param(inline)]
    pub action: Option<AuditAction>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Rows wanted: 1 to 200, 50 by default.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// A job that failed too often and waits for someone to look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetter {
    /// Id.
    pub id: JobId,
    /// Its queue.
    pub queue: String,
    /// What kind of work.
    pub kind: String,
    /// On what.
    pub key: String,
    /// How often it was tried.
    pub attempts: u32,
    /// How the last attempt failed.
    pub cause: String,
    /// When it was parked.
    pub parked_at: i64,
}
