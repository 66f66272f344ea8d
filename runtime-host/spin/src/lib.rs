//! An embeddable host of Spin applications (manifest version 2) on `wasmtime`.
//!
//! It loads a `spin.toml`, composes each component with its dependencies, and answers HTTP requests by them: WASI 0.2
//! and 0.3, `wasi:http` handlers and clients of both, `spin:variables`, `spin:key-value` and `spin:sqlite`. It knows
//! nothing about any particular application.
//!
//! # Embedding
//!
//! ```no_run
//! use std::collections::BTreeMap;
//! use std::time::Duration;
//!
//! use spin_host::{Host, Limits};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let host = Host::builder("spin.toml")
//!         .state_dir("data")
//!         .cache_dir("cache")
//!         .variables(BTreeMap::from([("greeting".to_owned(), "hello".to_owned())]))
//!         .limits(Limits { request_timeout: Duration::from_secs(10), ..Limits::default() })
//!         .build()
//!         .await?;
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     host.serve(listener, async { _ = tokio::signal::ctrl_c().await }).await;
//!     Ok(())
//! }
//! ```
//!
//! An embedder with a server of its own calls [`Host::handle`] instead of [`Host::serve`].
//!
//! # One request
//!
//! ```text
//! Host::handle ─▶ route ─▶ Runner: body limit, seat ─▶ ProxyHandler: a free instance, or a new one ─▶ guest
//!                                                                                                      │
//!        Server-Timing ◀─ 200 … or the JSON envelope of a trap, a time-out, a full house ◀─ response ◀─┘
//! ```

mod answer;
mod blueprint;
pub mod body;
mod builder;
mod capabilities;
mod engine;
mod error;
mod files;
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
mod server;
mod spin_headers;
mod state;
mod switchboard;

pub use body::{Body, BoxError};
pub use builder::HostBuilder;
pub use error::StartError;
pub use host::Host;
pub use limits::{Limits, OutboundLimits};
pub use metrics::Metrics;
pub use server::serve;
