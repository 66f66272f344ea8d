//! What an agent tells once and must not be lost. `POST /api/agent/v1/events`: in order, kept by the agent until acknowledged,
//! taken at most once by id.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{EventId, WorkspaceId};

/// Entries of one request at most.
pub const ENTRIES_MAX: usize = 200;

/// Bytes of a step's `tail` at most.
pub const TAIL_BYTES_MAX: usize = 4096;

/// Some entries, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Outbox {
    /// Of the sending process.
    pub epoch: i64,
    /// The entries.
    pub entries: Vec<Entry>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// Made by the agent; taken once.
    pub id: EventId,
    /// When, epoch milliseconds by the server's clock as far as the agent knows it.
    pub at: i64,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// A step of a workspace's start began, went on or ended.
    Step(Step),
    /// What this version does not know: acknowledged and left.
    #[serde(other)]
    Unknown,
}

/// How a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Under way.
    Running,
    /// Over.
    Done,
    /// Not needed; `tail` may say why.
    Skipped,
    /// Failed.
    Failed,
}

/// A step of a workspace's start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Of which workspace.
    pub workspace: WorkspaceId,
    /// Of which attempt.
    pub attempt: i64,
    /// Place in the order of steps, from 0.
    pub n: u32,
    /// `volume`, `clone`, `image`, `container`, `credentials`, `env`, `hooks` or `ready`.
    pub name: String,
    /// How it is.
    pub status: StepStatus,
    /// Began, epoch milliseconds.
    pub started_at: i64,
    /// Ended.
    #[serde(default)]
    pub ended_at: Option<i64>,
    /// Percent, where it can be told.
    #[serde(default)]
    pub percent: Option<u8>,
    /// Last lines of its log; the whole log stays on the node.
    #[serde(default)]
    pub tail: String,
}

/// What was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Taken {
    /// Entries, from the first of the request on.
    pub entries: u32,
    /// Our clock, epoch milliseconds.
    pub server_time: i64,
}

/// `POST /api/agent/v1/git-credential`: what git asks for, at the moment it asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskCredential {
    /// For which workspace.
    pub workspace: WorkspaceId,
    /// `https` or `http`.
    pub protocol: String,
    /// Host, with the port if git names one.
    pub host: String,
}

/// For git's credential protocol. Never logged, never stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GitCredential {
    /// User name.
    pub username: String,
    /// Password or token.
    pub password: String,
}
