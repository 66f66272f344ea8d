//! The protocol between an agent on a node and the control plane, `/api/agent/v1`.
//!
//! Policy: *versioned*. A control plane speaks this version and the one before; within a version things are only added, and
//! both sides ignore fields that they do not know. Messages are level-triggered: the control plane publishes what it wants
//! ([`desired`]), the agent reports what is ([`observed`]), and either may be lost, repeated or reordered without harm.
//! What must not be lost (steps of a start, [`outbox`]) has ids and is acknowledged.

pub mod api;
pub mod auth;
pub mod desired;
pub mod enrol;
pub mod observed;
pub mod outbox;

/// Version of this protocol.
pub const PROTOCOL: u32 = 1;

/// Oldest version that the control plane still understands.
pub const PROTOCOL_MIN: u32 = 1;

/// WebSocket subprotocol of the tunnel.
pub const TUNNEL_SUBPROTOCOL: &str = "sam.tunnel.v1";
