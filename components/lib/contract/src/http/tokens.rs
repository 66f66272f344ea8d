//! Personal API tokens.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::ApiTokenId;

/// What a token may be used for. Its user's role limits it further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Reading.
    Read,
    /// Changing things in the account.
    Write,
    /// Administration.
    Admin,
}

impl Scope {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiToken {
    /// Id.
    pub id: ApiTokenId,
    /// The user's name for it.
    pub name: String,
    /// First characters of the secret, to recognise it by.
    pub prefix: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// Made.
    pub created_at: i64,
    /// Not valid after; null means never.
    #[schema(required)]
    pub expires_at: Option<i64>,
    /// Last use, to the minute.
    #[schema(required)]
    pub last_used_at: Option<i64>,
}

/// Asks for a new token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// The user's name for it.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// Days until it ends; never without.
    #[serde(default)]
    pub expires_in_days: Option<u32>,
}

/// A new token. The secret is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// `sam_…`, for `authorization: Bearer`.
    pub token: String,
    /// What the list will show.
    pub item: ApiToken,
}
