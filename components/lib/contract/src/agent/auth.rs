//! How an agent proves who it is: each request carries a short token that it signed with its own key.

use serde::{Deserialize, Serialize};

use crate::ids::NodeId;

/// `typ` of the token's header; `alg` is `EdDSA`.
pub const TYP: &str = "sam-agent+jwt";

/// Seconds for which a token is valid from `iat` on.
pub const TOKEN_S: i64 = 60;

/// Seconds by which the agent's and our clock may differ, beyond the offset that the agent has learned from our answers.
pub const TOLERANCE_S: i64 = 30;

/// What the token says. It is for one method and one path, so that it is worth little to whoever finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Which node.
    pub sub: NodeId,
    /// Made, in seconds since the epoch, by the server's clock as far as the agent knows it.
    pub iat: i64,
    /// Not valid after, in seconds.
    pub exp: i64,
    /// Method of the request.
    pub htm: String,
    /// Path of the request, without the query.
    pub htp: String,
}

/// `details` of a refusal (401).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Our clock in epoch milliseconds: an agent whose clock differs signs again with this offset.
    #[serde(default)]
    pub server_time: i64,
    /// The node was deleted here: the agent stops asking and keeps everything that it has.
    #[serde(default)]
    pub gone: bool,
}

/// `details` of a conflict (409) that ends an agent process: a newer one runs for this node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Superseded {
    /// The epoch of the newer process.
    #[serde(default)]
    pub stale_epoch: Option<i64>,
}
