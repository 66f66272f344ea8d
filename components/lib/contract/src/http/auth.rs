//! Signing in and out, and the sessions of the caller.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::users::User;
use crate::ids::{AccountId, SessionId};

/// Redeems a one-time link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The link's secret: what follows `#` in it.
    pub token: String,
    /// Name of the new user; needed for an invitation.
    #[serde(default)]
    pub name: Option<String>,
    /// E-mail address of the new user.
    #[serde(default)]
    pub email: Option<String>,
}

/// The caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// Who.
    pub user: User,
    /// The account in which they act.
    pub account_id: AccountId,
    /// The session; null when an API token asks.
    #[schema(required)]
    pub session_id: Option<SessionId>,
}

/// A browser session of the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Id.
    pub id: SessionId,
    /// Whether this request came with it.
    pub current: bool,
    /// What the browser called itself when it signed in.
    pub user_agent: String,
    /// Signed in.
    pub created_at: i64,
    /// Last request, to the minute.
    pub last_seen_at: i64,
    /// Ends by itself.
    pub expires_at: i64,
}

/// A one-time link, shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginLink {
    /// The secret.
    pub token: String,
    /// Path of the link: `/login#<token>`. The secret is in the fragment, which browsers never send.
    pub url_path: String,
    /// Not valid after.
    pub expires_at: i64,
}
