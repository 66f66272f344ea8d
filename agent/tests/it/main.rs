//! The agent as a process, against a control plane that speaks the contract and misbehaves on purpose.

mod agent;
mod control;
mod docker;
mod faults;
mod identity;
mod image;
mod node;
mod workspace;
