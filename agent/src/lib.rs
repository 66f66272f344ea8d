//! `sam-agent`: what the control plane wants of a node, made true on it; and what is on it, served through a tunnel.
//!
//! [`enrol`] makes a machine a node; [`run()`] is the agent itself. Inside: `run` has the loops that talk to the control
//! plane, `fleet` one task per workspace, `boot` the steps of a start, `docker` and `process` the two kinds of isolation,
//! `store` what survives a crash, `http` what the edge reaches. What is decided, and not done, is in `sam-agent-domain`.

mod boot;
pub mod clock;
mod context;
pub mod control;
pub mod dial;
mod docker;
pub mod enrol;
mod files;
mod fleet;
mod git;
mod http;
pub mod identity;
mod machine;
mod place;
mod ports;
mod process;
pub mod run;
mod socket;
pub mod state;
pub mod status;
mod steplog;
pub mod store;
mod token;
mod warm;

pub use run::{End, Options, run};
