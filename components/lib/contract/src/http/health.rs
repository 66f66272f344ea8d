//! Whether the system is well.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether a part, or the whole, is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// All is well.
    Healthy,
    /// Something is not.
    Degraded,
}

/// The public answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Whether all is well.
    pub status: HealthStatus,
    /// Now.
    pub timestamp: i64,
    /// The parts that are not well, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failing: Vec<String>,
}

/// The administrators' answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdminHealth {
    /// Whether all is well.
    pub status: HealthStatus,
    /// Each part that was looked at.
    pub checks: Vec<HealthCheck>,
    /// Each queue.
    pub queues: Vec<QueueHealth>,
    /// Each database's schema.
    pub schema: SchemaVersions,
    /// Version of the control plane.
    pub version: String,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthCheck {
    /// Which.
    pub name: String,
    /// How it is.
    pub status: HealthStatus,
    /// In words.
    pub detail: String,
}

/// One queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueHealth {
    /// Which.
    pub queue: String,
    /// Jobs that are not done and not parked.
    pub depth: i64,
    /// How long the oldest due job has waited.
    #[schema(required)]
    pub oldest_age_ms: Option<i64>,
    /// When a job was last done; null when none is remembered.
    #[schema(required)]
    pub last_success_at: Option<i64>,
    /// Parked jobs.
    pub dead: i64,
}

/// Newest applied migration of each database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchemaVersions {
    /// The core database.
    pub default: SchemaVersion,
    /// Errors and logs.
    pub observability: SchemaVersion,
}

/// One database's schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchemaVersion {
    /// Number of its newest migration; 0 before the first.
    pub version: i64,
}
