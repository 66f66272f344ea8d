//! What the control plane decides, as pure functions: values in, values out.
//!
//! No I/O, no clock, no randomness, no serde, no async. The time, ids and facts come in as arguments; decisions and
//! [`effects`] come out. Wire types are in `sam-contract`, rows in each component's `store.rs`.

pub mod access;
pub mod audit;
pub mod effects;
pub mod jobs;
pub mod links;
pub mod migrations;
pub mod nodes;
pub mod placement;
pub mod profile;
pub mod rate_limits;
pub mod sealed;
pub mod secrets;
pub mod sessions;
pub mod tokens;
pub mod users;
pub mod workspaces;
