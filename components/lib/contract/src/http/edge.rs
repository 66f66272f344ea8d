//! What the edge asks about hosts and tunnels that it serves itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::NodeId;

/// May this request pass to a workspace?
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Admit {
    /// First label of the host: `ws-<id>` or `ws-<id>--<port>`.
    pub label: String,
    /// Path of the request, without the query.
    pub path: String,
    /// What the client shows.
    pub credential: Shown,
}

/// What a client shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", content = "secret", rename_all = "snake_case")]
pub enum Shown {
    /// A one-time ticket: used up by asking.
    Ticket(String),
    /// The cookie that entering with a ticket gave.
    Cookie(String),
}

/// It may.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Admitted {
    /// Through whose tunnel.
    pub node_id: NodeId,
    /// Path of the agent's API. For a port the client's path and query follow.
    pub target: String,
    /// For a ticket to a port: the cookie to set.
    #[serde(default)]
    pub cookie: Option<PortCookie>,
}

/// A cookie for one port of one workspace.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PortCookie {
    /// Its value.
    pub value: String,
    /// Lifetime.
    pub max_age_s: i64,
}

/// A tunnel opened or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TunnelChange {
    /// Of which node.
    pub node_id: NodeId,
    /// Of which process.
    pub epoch: i64,
    /// Whether it is open now.
    pub connected: bool,
}

/// How the host's own machine joins.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LocalNode {
    /// Its node.
    pub node_id: NodeId,
    /// To enrol with.
    pub token: String,
    /// Not valid after.
    pub expires_at: i64,
}
