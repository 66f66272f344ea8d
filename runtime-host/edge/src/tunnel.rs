//! Tunnels of machines behind NAT: who has one open, and the route by which they are opened.
//!
//! ```text
//!   dialled: GET <path> + upgrade ─▶ the application is asked the same GET without the upgrade
//!              its success says `x-sam-tunnel: <name> <epoch>` ─▶ 101, the tunnel is in the registry
//!   newer or same epoch of a name ─▶ the older tunnel is closed with 4409;  older epoch ─▶ 409
//!   shutdown ─▶ streams have some seconds to end, then close with 1001
//! ```
//!
//! Opening and closing is told to the application, in order for each name and until it has heard it.

mod accept;
mod news;
mod registry;

use crate::gate::SharedGate;
use sam_tunnel::Liveness;
use std::time::Duration;

pub use registry::Tunnels;

pub(crate) use accept::Acceptor;
pub(crate) use news::News;

/// How tunnels are served.
#[derive(Clone, Debug)]
pub struct TunnelConfig {
    /// The path at which they are opened.
    pub path: String,
    /// Whom to tell.
    pub gate: SharedGate,
    /// Tunnels at once; more are refused.
    pub tunnels_max: usize,
    /// Streams that are open at shutdown get so long to end.
    pub drain: Duration,
    /// How a dead tunnel is noticed.
    pub liveness: Liveness,
}

impl TunnelConfig {
    /// Tunnels at `path`, with limits for a few thousand machines.
    #[must_use]
    pub fn new(path: &str, gate: SharedGate) -> Self {
        Self {
            path: path.to_owned(),
            gate,
            tunnels_max: 10_000,
            drain: Duration::from_secs(3),
            liveness: Liveness::edge(),
        }
    }
}
