//! Workspaces: isolated working copies of repositories, on nodes.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::agent::desired::{Isolation, Limits};
use crate::agent::observed::{Failure, Port};
use crate::agent::outbox::StepStatus;
use crate::ids::{NodeId, TerminalId, UserId, WorkspaceId};

/// Where a workspace is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceStatus {
    /// Its node has not taken it up yet.
    Queued,
    /// Its start is under way.
    Starting,
    /// It can be worked in.
    Running,
    /// Its end is under way.
    Stopping,
    /// Files kept, nothing runs.
    Stopped,
    /// Its start failed; `failure` names the step.
    Failed,
    /// Its deletion is under way.
    Deleting,
    /// Gone: the node has confirmed it.
    Deleted,
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Workspace {
    /// Id.
    pub id: WorkspaceId,
    /// Shown name.
    pub name: String,
    /// Where it is in its life.
    pub status: WorkspaceStatus,
    /// What it waits for, or why it is so, in a sentence.
    #[schema(required)]
    pub cause: Option<String>,
    /// When a status that waits for something gives up.
    #[schema(required)]
    pub deadline_at: Option<i64>,
    /// Why its start failed.
    #[schema(required)]
    pub failure: Option<Failure>,
    /// On which node.
    pub node_id: NodeId,
    /// Name of the node.
    pub node_name: String,
    /// Whether the node can be reached now.
    pub connected: bool,
    /// Who made it.
    pub created_by: UserId,
    /// Git URL or path; null for an empty workspace.
    #[schema(required)]
    pub repository: Option<String>,
    /// Branch: the checked out one once known, else the wanted one.
    #[schema(required)]
    pub branch: Option<String>,
    /// Whether only the newest commit is fetched.
    pub shallow: bool,
    /// How it is kept apart: as it is once known, else as wanted.
    #[schema(required)]
    pub isolation: Option<Isolation>,
    /// Image of its container.
    #[schema(required)]
    pub image: Option<String>,
    /// Why the base image is used instead of the wanted one.
    #[schema(required)]
    pub recovery: Option<String>,
    /// What it may use.
    pub limits: Limits,
    /// Number of the newest start.
    pub attempt: i64,
    /// The step that is under way.
    #[schema(required)]
    pub step: Option<String>,
    /// Open terminals.
    pub terminals: u32,
    /// Ports that something listens on.
    pub ports: Vec<Port>,
    /// Last terminal input or agent work.
    #[schema(required)]
    pub active_at: Option<i64>,
    /// When it is stopped for lack of activity; null when it is not.
    #[schema(required)]
    pub idle_stop_at: Option<i64>,
    /// Minutes without activity after which it is stopped; 0 for never.
    pub idle_stop_minutes: u32,
    /// Host under which the workspace's terminals are reached, with the port if it is not the usual one.
    pub host: String,
    /// Made.
    pub created_at: i64,
    /// Became running; null when it is not.
    #[schema(required)]
    pub running_since: Option<i64>,
}

/// A new workspace.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWorkspace {
    /// Shown name; made of the repository's name without it.
    #[serde(default)]
    pub name: Option<String>,
    /// Git URL, or an absolute path on the node; an empty workspace without it.
    #[serde(default)]
    pub repository: Option<String>,
    /// Branch; the remote's default branch without it.
    #[serde(default)]
    pub branch: Option<String>,
    /// Fetch only the newest commit.
    #[serde(default)]
    pub shallow: bool,
    /// Node; the least busy one that is ready, without it.
    #[serde(default)]
    pub node_id: Option<NodeId>,
    /// How it is kept apart; by Docker where it answers, without it.
    #[serde(default)]
    pub isolation: Option<Isolation>,
    /// Image of the container.
    #[serde(default)]
    pub image: Option<String>,
    /// What it may use; the defaults of the settings without it.
    #[serde(default)]
    pub limits: Option<Limits>,
    /// Minutes without activity after which it is stopped; 0 for never, the setting without it.
    #[serde(default)]
    pub idle_stop_minutes: Option<u32>,
    /// For a private repository.
    #[serde(default)]
    pub credential: Option<CreateCredential>,
}

/// A git credential. Kept sealed; given to git when it asks, for this repository's host only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCredential {
    /// User name; `x-access-token` for tokens of most forges.
    pub username: String,
    /// Password or token.
    pub password: String,
}

/// Changes a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchWorkspace {
    /// Shown name.
    #[serde(default)]
    pub name: Option<String>,
    /// Minutes without activity after which it is stopped; 0 for never.
    #[serde(default)]
    pub idle_stop_minutes: Option<u32>,
}

/// Which workspaces to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceQuery {
    /// Only those of this node.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub node: Option<NodeId>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Rows wanted: 1 to 200, 50 by default.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// How a workspace started, step by step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BootLog {
    /// Number of the start.
    pub attempt: i64,
    /// Its steps so far, in order.
    pub steps: Vec<BootStep>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BootStep {
    /// `volume`, `clone`, `image`, `container`, `credentials`, `env`, `hooks` or `ready`.
    pub name: String,
    /// How it is.
    pub status: StepStatus,
    /// Began.
    pub started_at: i64,
    /// Ended.
    #[schema(required)]
    pub ended_at: Option<i64>,
    /// Percent, where it can be told.
    #[schema(required)]
    pub percent: Option<u8>,
    /// Last lines of its log.
    pub tail: String,
}

/// What a ticket opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TicketFor {
    /// A terminal.
    Terminal {
        /// Which.
        terminal: TerminalId,
        /// Only to watch.
        #[serde(default)]
        read_only: bool,
    },
    /// A port.
    Port {
        /// Which.
        port: u16,
    },
}

/// Asks for a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreateTicket {
    /// What it opens.
    #[serde(rename = "for")]
    pub purpose: TicketFor,
}

/// Opens one thing, once, within a minute.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ticket {
    /// The secret: for the WebSocket subprotocol `ticket.<…>`, or for the form field `ticket`.
    pub ticket: String,
    /// Where: a WebSocket URL for a terminal, the form's action for a port.
    pub url: String,
    /// Not valid after.
    pub expires_at: i64,
}
