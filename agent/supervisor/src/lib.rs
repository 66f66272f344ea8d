//! The supervisor: one per workspace, owner of its shells (PTYs) and piped processes (coding agents).
//!
//! It is small and changes rarely, so that the agent may crash, restart or update itself while shells go on. Clients talk
//! to it over a Unix socket in [`protocol`]; output is kept in a [`ring`] and addressed by absolute offsets, input is
//! taken exactly once per writer. It decides nothing about users, workspaces or networks.
//!
//! Memory is bounded per process (one ring, one input queue) and per client (one frame): a client that stops reading
//! costs its position in the ring, nothing else.

pub mod protocol;
pub mod ring;
pub mod server;
pub mod socket;
