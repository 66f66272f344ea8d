//! The edge: everything between a client's socket and an HTTP application that is not allowed to hold sockets.
//!
//! It cleans requests and responses ([`Edge`]), holds live streams and long-polls for the application by a subset of the
//! GRIP protocol ([`grip`]), keeps a small S3 object store ([`objects`]), takes tunnels of machines behind NAT ([`tunnel`]),
//! lets such a machine answer in the application's stead (`x-sam-forward`), serves hosts whose content comes from such a
//! machine ([`proxy`]), writes one access-log line per request and counts everything ([`metrics`]). What the application
//! is, it does not know: any [`Upstream`], that is any cloneable async function from request to response, will do.
//!
//! Deliberately absent: TLS, HTTP/2, and every business word. WebSocket is only passed on and carries tunnels.
//!
//! ```
//! use sam_edge::{Edge, EdgeConfig, body};
//!
//! let hello = |_request| async { http::Response::new(body::full("hello")) };
//! let edge = Edge::new(EdgeConfig::default(), hello);
//! ```

mod access_log;
pub mod admin;
mod answer;
pub mod body;
mod edge;
mod foreign;
mod forward;
pub mod gate;
pub mod grip;
mod host_names;
mod hygiene;
mod limit;
pub mod metrics;
pub mod objects;
pub mod proxy;
pub mod serve;
mod stall;
pub mod tunnel;
mod upstream;
mod wakes;

pub use answer::error_answer;
pub use body::{Body, BoxError};
pub use edge::{Edge, EdgeConfig, X_SAM_COMPONENT};
pub use host_names::{HostNames, HostRefusal};
pub use hygiene::Scheme;
pub use proxy::ProxyConfig;
pub use tunnel::{TunnelConfig, Tunnels};
pub use upstream::Upstream;
pub use wakes::{WORK_PREFIX, Wakes};
