//! What is on a node: everything, each time. `PUT /api/agent/v1/observed`, every 10 s and at once when something changed.
//! This is the heartbeat.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::desired::Isolation;
use super::enrol::Machine;
use crate::ids::WorkspaceId;

/// All that is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Observed {
    /// Of the reporting process; an older one gets 409.
    pub epoch: i64,
    /// Counts the reports of the process; an older one changes nothing.
    pub seq: i64,
    /// Generation of the desired state that was taken up.
    #[serde(default)]
    pub generation: i64,
    /// What the agent runs on.
    #[serde(default)]
    pub machine: Machine,
    /// How busy it is.
    #[serde(default)]
    pub load: Load,
    /// Every workspace that has anything on this node.
    #[serde(default)]
    pub workspaces: Vec<ObservedWorkspace>,
    /// Containers made in advance that are ready.
    #[serde(default)]
    pub warm: u32,
}

/// How busy a machine is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Load {
    /// Cores.
    #[serde(default)]
    pub cpus: u32,
    /// Load average of the last minute.
    #[serde(default)]
    pub load1: f64,
    /// Bytes of memory.
    #[serde(default)]
    pub memory_total: u64,
    /// Bytes of memory in use, without caches.
    #[serde(default)]
    pub memory_used: u64,
    /// Bytes of the disk that holds the workspaces.
    #[serde(default)]
    pub disk_total: u64,
    /// Bytes of it in use.
    #[serde(default)]
    pub disk_used: u64,
    /// Seconds since the machine started.
    #[serde(default)]
    pub uptime_s: u64,
    /// Version of the Docker engine; null when none answers.
    #[serde(default)]
    #[schema(required)]
    pub docker: Option<String>,
    /// Version of git; null when there is none.
    #[serde(default)]
    #[schema(required)]
    pub git: Option<String>,
}

/// What a workspace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObservedState {
    /// Its start is under way.
    Starting,
    /// It can be worked in.
    Running,
    /// Its end is under way.
    Stopping,
    /// Files kept, nothing runs.
    Stopped,
    /// Its deletion is under way.
    Deleting,
    /// Everything of it is gone: confirmed, by looking.
    Deleted,
    /// The start of this attempt failed; `failure` says at which step and why.
    Failed,
    /// Found here, but not wanted by anybody: kept.
    Orphan,
    /// What this version does not know.
    #[serde(other)]
    Unknown,
}

/// One workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObservedWorkspace {
    /// Which.
    pub id: WorkspaceId,
    /// Generation of the wish that this is the state of.
    #[serde(default)]
    pub generation: i64,
    /// Attempt that this is the state of.
    #[serde(default)]
    pub attempt: i64,
    /// What it is.
    pub state: ObservedState,
    /// The step that is under way, while starting.
    #[serde(default)]
    pub step: Option<String>,
    /// Why it failed.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// How it is kept apart.
    #[serde(default)]
    pub isolation: Option<Isolation>,
    /// Image of the container.
    #[serde(default)]
    pub image: Option<String>,
    /// The wanted image could not be built, and the base image is used instead: why.
    #[serde(default)]
    pub recovery: Option<String>,
    /// Branch that is checked out.
    #[serde(default)]
    pub branch: Option<String>,
    /// Last terminal input or agent work; epoch milliseconds by the server's clock.
    #[serde(default)]
    pub active_at: Option<i64>,
    /// Open terminals.
    #[serde(default)]
    pub terminals: u32,
    /// Ports that something listens on.
    #[serde(default)]
    pub ports: Vec<Port>,
}

/// A failed step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// Which.
    pub step: String,
    /// Why, in a sentence that says what to do.
    pub message: String,
}

/// A port on which something listens in a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Port {
    /// Which.
    pub port: u16,
    /// Program that listens, or a well-known label (`Vite`, `PostgreSQL`).
    #[serde(default)]
    pub label: String,
    /// Whether it speaks HTTP as far as known: only then it is offered to be opened.
    #[serde(default)]
    pub http: bool,
}

/// The control plane has taken a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObservedTaken {
    /// Newest desired generation, so that a lost long-poll is noticed.
    pub generation: i64,
    /// Our clock, epoch milliseconds.
    pub server_time: i64,
}
