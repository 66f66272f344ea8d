//! What the control plane wants of a node: everything, each time. `GET /api/agent/v1/desired?have=<generation>`.
//!
//! The request is held (25 s at most) while nothing is newer than `have`. Secrets are never here; they are fetched when used.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ids::WorkspaceId;

/// What the agent has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DesiredQuery {
    /// Generation that it has; without it the answer comes at once.
    #[serde(default)]
    pub have: Option<i64>,
    /// Epoch of the asking process.
    #[serde(default)]
    pub epoch: Option<i64>,
}

/// All that is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Desired {
    /// Grows with each change. After a backup was restored it may be smaller than before: the agent takes it as it is.
    pub generation: i64,
    /// Our clock, epoch milliseconds.
    #[serde(default)]
    pub server_time: i64,
    /// Every workspace of the node that exists, and those that are being deleted. One that is not here was not deleted: it is
    /// an orphan, which the agent reports and keeps.
    #[serde(default)]
    pub workspaces: Vec<DesiredWorkspace>,
    /// What is kept ready for the next workspaces.
    #[serde(default)]
    pub warm: Warm,
}

/// What is kept ready.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warm {
    /// Containers made in advance.
    #[serde(default)]
    pub containers: u32,
    /// Their image; the agent's own base image without it.
    #[serde(default)]
    pub image: Option<String>,
}

/// What a workspace should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DesiredState {
    /// There, with its container or processes.
    Running,
    /// There, files kept, nothing running.
    Stopped,
    /// Gone with everything. This is the tombstone; without it nothing is ever deleted.
    Deleted,
    /// What this version does not know: the agent leaves the workspace as it is.
    #[serde(other)]
    Unknown,
}

/// How a workspace is kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// A container.
    Docker,
    /// Plain processes of the agent's user. Not a boundary: for trusted code, or where no Docker answers.
    Process,
}

/// Where the files come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Repository {
    /// Git URL, or an absolute path on the node.
    pub url: String,
    /// Branch to check out; the remote's default branch without it.
    #[serde(default)]
    pub branch: Option<String>,
    /// Only the newest commit of the branch is fetched.
    #[serde(default)]
    pub shallow: bool,
    /// Whether a credential can be fetched for it.
    #[serde(default)]
    pub has_credential: bool,
}

/// What a workspace may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Limits {
    /// Thousandths of a core; 0 for no limit.
    #[serde(default)]
    pub cpu_milli: u32,
    /// Bytes of memory; 0 for no limit.
    #[serde(default)]
    pub memory_bytes: u64,
    /// Processes; 0 for no limit.
    #[serde(default)]
    pub pids: u32,
}

/// One workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DesiredWorkspace {
    /// Which.
    pub id: WorkspaceId,
    /// Grows with each change of what is wanted of it; reported back when reached.
    pub generation: i64,
    /// Grows with each restart, rebuild and retry: a start that was begun under an older one is given up.
    pub attempt: i64,
    /// Whether this attempt begins with a new container and, for `rebuild`, a new image; files are kept.
    #[serde(default)]
    pub rebuild: bool,
    /// What it should be.
    pub state: DesiredState,
    /// Shown name; also the host name inside.
    #[serde(default)]
    pub name: String,
    /// Where the files come from; an empty folder without it.
    #[serde(default)]
    pub repository: Option<Repository>,
    /// How it is kept apart; by Docker if it answers, without it.
    #[serde(default)]
    pub isolation: Option<Isolation>,
    /// Image of the container; without it that of the repository's devcontainer.json, else the agent's base image.
    #[serde(default)]
    pub image: Option<String>,
    /// What it may use.
    #[serde(default)]
    pub limits: Limits,
}
