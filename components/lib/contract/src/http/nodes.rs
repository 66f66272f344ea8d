//! Nodes: machines that run workspaces.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::agent::enrol::Machine;
use crate::agent::observed::Load;
use crate::ids::{NodeId, WorkspaceId};

/// Where a node is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeStatus {
    /// Made here; its command was not run yet. Ends as deleted when the command expires unused and nobody makes another.
    Pending,
    /// Its command was run; the agent has not reported yet.
    Enrolling,
    /// Reports and takes workspaces.
    Ready,
    /// Has not reported for too long.
    Unreachable,
    /// Takes no new workspaces.
    Draining,
    /// Gone.
    Deleted,
}

/// How well a node is, from its reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeHealth {
    /// Reported lately.
    Healthy,
    /// The last report is older than it should be.
    Stale,
    /// No report for long, or none ever.
    Unhealthy,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Node {
    /// Id.
    pub id: NodeId,
    /// Shown name.
    pub name: String,
    /// Where it is in its life.
    pub status: NodeStatus,
    /// Why, where there is something to say.
    #[schema(required)]
    pub cause: Option<String>,
    /// When a status that waits for something gives up.
    #[schema(required)]
    pub deadline_at: Option<i64>,
    /// How well it is.
    pub health: NodeHealth,
    /// Whether it is the machine that the control plane runs on.
    pub is_local: bool,
    /// What its agent runs on; null before the first report.
    #[schema(required)]
    pub machine: Option<Machine>,
    /// How busy it is, as of `seen_at`.
    #[schema(required)]
    pub load: Option<Load>,
    /// Last report.
    #[schema(required)]
    pub seen_at: Option<i64>,
    /// Whether its tunnel is open: terminals and files are there only while it is.
    pub connected: bool,
    /// Workspaces that are not deleted.
    pub workspaces: u32,
    /// Found on the node, but not known here: kept by the agent.
    pub orphans: Vec<WorkspaceId>,
    /// Containers that are ready for the next workspaces.
    pub warm: u32,
    /// Made.
    pub created_at: i64,
}

/// A new node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateNode {
    /// Shown name.
    pub name: String,
}

/// Changes a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameNode {
    /// Shown name.
    pub name: String,
}

/// How a machine joins. The token is in this answer only.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewNode {
    /// The node.
    pub node: Node,
    /// For a shell on the machine; carries the token and the script's digest.
    pub command: String,
    /// Redeemed once.
    pub token: String,
    /// Not valid after.
    pub expires_at: i64,
}

/// Whether a node is deleted although it still has workspaces or does not answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeleteNode {
    /// Forget it and its workspaces here. What is on the machine stays there.
    #[serde(default)]
    pub force: bool,
}

/// Which agent this control plane hands out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentVersion {
    /// Its version.
    pub version: String,
    /// Its protocol.
    pub protocol: u32,
    /// What can be downloaded.
    pub binaries: Vec<AgentBinary>,
}

/// One binary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentBinary {
    /// `linux`.
    pub os: String,
    /// `amd64` or `arm64`.
    pub arch: String,
    /// In hexadecimal.
    pub sha256: String,
    /// Length.
    pub bytes: u64,
}

/// For which machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DownloadQuery {
    /// `linux`.
    pub os: String,
    /// `amd64` or `arm64`.
    pub arch: String,
}
