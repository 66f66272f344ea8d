//! Joining, and the start of an agent process.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ids::NodeId;

/// `POST /api/agent/v1/enrol`: redeems a one-time token. Repeating it with the same key gives the same answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Enrol {
    /// From the printed command.
    pub token: String,
    /// Ed25519 public key of the agent, 32 bytes in base64url without padding.
    pub public_key: String,
    /// What it runs on.
    pub machine: Machine,
}

/// What an agent runs on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Machine {
    /// Host name.
    #[serde(default)]
    pub hostname: String,
    /// `linux`.
    #[serde(default)]
    pub os: String,
    /// `amd64` or `arm64`.
    #[serde(default)]
    pub arch: String,
    /// Name and version of the distribution.
    #[serde(default)]
    pub distribution: String,
    /// Version of the kernel.
    #[serde(default)]
    pub kernel: String,
    /// Version of the agent.
    #[serde(default)]
    pub agent_version: String,
    /// Version of the protocol it speaks.
    #[serde(default)]
    pub protocol: u32,
}

/// The node that the token was for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Enrolled {
    /// Its id.
    pub node_id: NodeId,
    /// Its name.
    pub name: String,
    /// Our clock, epoch milliseconds.
    pub server_time: i64,
}

/// `POST /api/agent/v1/start`: a process begins. It gets the next epoch; older processes of this node stand down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Start {
    /// What it runs on now.
    pub machine: Machine,
}

/// The process may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Started {
    /// Number of this process, larger than that of any before.
    pub epoch: i64,
    /// Our clock, epoch milliseconds.
    pub server_time: i64,
}

/// `GET /api/agent/v1/tunnel`: which process opens it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TunnelQuery {
    /// Epoch of the process; an older one gets 409, and the newest is meant without it.
    #[serde(default)]
    pub epoch: Option<i64>,
}
