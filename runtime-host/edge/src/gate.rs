//! What the edge asks of its application about hosts and tunnels that it serves itself, and what it tells it.

use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// May this request pass to a host below the proxy's domain?
#[derive(Clone, PartialEq, Eq)]
pub struct Ask {
    /// The first label of the host.
    pub label: String,
    /// The path of the request, without the query.
    pub path: String,
    /// What the client shows.
    pub credential: Credential,
}

/// What a client shows.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Credential {
    /// Good for one use; used up by asking.
    Ticket(String),
    /// The cookie that was set for a ticket.
    Cookie(String),
}

/// It may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The name of the tunnel to use.
    pub tunnel: String,
    /// The path, maybe with a query, on the other side of the tunnel.
    pub target: String,
    /// For a ticket: the cookie to set.
    pub cookie: Option<PassCookie>,
}

/// A cookie that the client shows from now on.
#[derive(Clone, PartialEq, Eq)]
pub struct PassCookie {
    /// Its value, which needs no quoting.
    pub value: String,
    /// Its lifetime in seconds.
    pub max_age_s: i64,
}

impl fmt::Debug for PassCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The value is a secret.
        f.debug_struct("PassCookie")
            .field("max_age_s", &self.max_age_s)
            .finish_non_exhaustive()
    }
}

/// Why a request may not pass.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AdmitError {
    /// What the client shows is worth nothing, or no longer.
    #[error("the application refuses what the client shows")]
    Refused,
    /// The application gave no usable answer.
    #[error("the application could not be asked")]
    Unavailable,
}

/// A tunnel opened or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TunnelChange {
    /// Its name.
    pub name: String,
    /// Counts the processes that open tunnels of that name.
    pub epoch: i64,
    /// Whether it is open now.
    pub is_open: bool,
}

/// The application, as the edge asks it.
pub trait Gate: Send + Sync + 'static {
    /// Decides about a request. Decisions about cookies are kept for some seconds.
    fn admit(&self, ask: Ask) -> BoxFuture<'static, Result<Pass, AdmitError>>;

    /// Hears that a tunnel opened or closed. `false` means that it could not be heard and must be said again.
    fn tunnel_changed(&self, change: TunnelChange) -> BoxFuture<'static, bool>;
}

/// A shared [`Gate`].
#[derive(Clone)]
pub struct SharedGate(Arc<dyn Gate>);

impl SharedGate {
    /// Shares a gate.
    pub fn new(gate: impl Gate) -> Self {
        Self(Arc::new(gate))
    }
}

impl std::ops::Deref for SharedGate {
    type Target = dyn Gate;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for SharedGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedGate")
    }
}
