//! Pure logic of the agent: values in, values out. No I/O, no clock, no randomness, no serde, no async.
//!
//! [`reconcile`] decides what happens next with a workspace; the other modules say what a text means that comes from git, from
//! the kernel or from a user.

pub mod backoff;
pub mod clock;
pub mod clone;
pub mod paths;
pub mod ports;
pub mod reconcile;
pub mod remote;
pub mod status;
pub mod steps;
