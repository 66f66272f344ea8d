//! Invitations.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::users::Role;
use crate::ids::{LoginLinkId, UserId};

/// An open invitation, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invite {
    /// Id.
    pub id: LoginLinkId,
    /// For whom, in the inviter's words.
    #[schema(required)]
    pub note: Option<String>,
    /// Role of the new user.
    pub role: Role,
    /// The inviter.
    pub created_by: UserId,
    /// Made.
    pub created_at: i64,
    /// Not valid after.
    pub expires_at: i64,
}

/// Asks for an invitation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateInvite {
    /// For whom.
    #[serde(default)]
    pub note: Option<String>,
    /// Role of the new user: `user` without. Only a superadministrator may name another.
    #[serde(default)]
    pub role: Option<Role>,
}

/// A new invitation. The link is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewInvite {
    /// The secret.
    pub token: String,
    /// Path of the link: `/login#<token>`.
    pub url_path: String,
    /// Not valid after.
    pub expires_at: i64,
    /// What the list will show.
    pub item: Invite,
}
