//! Users, as they see themselves and as administrators see them.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ids::{AccountId, UserId};

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Works in the own account.
    User,
    /// Also manages users and invitations, and sees health.
    Admin,
    /// Also gives roles and reads the audit log.
    Superadmin,
}

/// Whether a user may act at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// May act.
    Active,
    /// Waits for an administrator.
    Pending,
    /// Locked out by an administrator.
    Suspended,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Id.
    pub id: UserId,
    /// The account that the user works in.
    pub account_id: AccountId,
    /// Shown name.
    pub name: String,
    /// E-mail address, if given.
    #[schema(required)]
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Whether they may act.
    pub status: UserStatus,
    /// Why, in an administrator's words.
    #[schema(required)]
    pub status_reason: Option<String>,
    /// When they came.
    pub created_at: i64,
}

/// Which users to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UserQuery {
    /// Only users of this status.
    #[serde(default)]
    #[param(inline)]
    pub status: Option<UserStatus>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Rows wanted: 1 to 200, 50 by default.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Why an administrator suspends someone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Suspend {
    /// Shown to the user and kept with them.
    #[serde(default)]
    pub reason: Option<String>,
}

/// The role to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRole {
    /// The new role.
    pub role: Role,
}
