//! The caller's own profile.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to change; absent fields stay.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfilePatch {
    /// New shown name.
    #[serde(default)]
    pub name: Option<String>,
    /// New e-mail address; empty removes it.
    #[serde(default)]
    pub email: Option<String>,
}
