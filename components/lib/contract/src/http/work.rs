//! What the host asks of components: migrate, which queues are due, do some work, make the first link.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::health::QueueHealth;

/// Migrations that were applied just now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Migrated {
    /// `<database>/<file>`, in order.
    pub applied: Vec<String>,
}

/// Queues with something to do, and how all queues fare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Due {
    /// Each once.
    pub queues: Vec<DueQueue>,
    /// Every queue, for the host's metrics.
    pub health: Vec<QueueHealth>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DueQueue {
    /// Its name.
    pub queue: String,
    /// The component whose `POST /_work/<queue>` works on it.
    pub component: String,
}

/// What one call of a worker did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Worked {
    /// Jobs done.
    pub done: u32,
    /// Jobs that failed and will be tried again or are parked.
    pub failed: u32,
    /// Whether more jobs are due now.
    pub more: bool,
}

/// Asks for a link for someone who cannot sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HostLink {
    /// Why.
    pub purpose: HostLinkPurpose,
}

/// Why the host needs a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HostLinkPurpose {
    /// The operator starts the host and wants to sign in as the superadministrator.
    FirstRun,
}

/// The link's secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostLinkToken {
    /// Goes after `/login#`.
    pub token: String,
    /// Not valid after.
    pub expires_at: i64,
}
