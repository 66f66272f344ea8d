//! An embeddable host of Spin applications (manifest version 2) on `wasmtime`.
//!
//! It loads a `spin.toml`, composes each component with its dependencies, and answers HTTP requests by them: WASI 0.2
//! and 0.3, `wasi:http` handlers and clients of both, `spin:variables`, `spin:key-value` and `spin:sqlite`. It knows
//! nothing about any particular application.

mod answer;
mod blueprint;
pub mod body;
mod builder;
mod capabilities;
mod engine;
mod error;
mod guest_output;
mod host;
mod instance;
mod limits;
mod loader;
mod memory;
mod metrics;
mod outbound;
mod runner;
mod scope;
mod spin_headers;
mod state;
mod switchboard;

pub use body::{Body, BoxError};
pub use builder::HostBuilder;
pub use error::StartError;
pub use host::Host;
pub use limits::{Limits, OutboundLimits};
pub use metrics::Metrics;
