//! The agent as a process, against a control plane that speaks the contract and misbehaves on purpose.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod agent;
mod control;
mod docker;
mod faults;
mod identity;
mod image;
mod node;
mod workspace;
