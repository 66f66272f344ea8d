//! Both halves of the tunnel: one outbound WebSocket of a machine behind NAT, through which HTTP connections go inwards.
//!
//! ```text
//!   edge                                            agent
//!   Opener::send(request) ─ HTTP/1.1 ─┐           ┌─ HTTP/1.1 ─ serve(socket, service)
//!                          yamux client │           │ yamux server
//!                                     WebSocket (sam.tunnel.v1), dialled by the agent: connect()
//! ```
//!
//! The edge opens a yamux stream for each request and speaks HTTP/1.1 in it; upgrades (WebSocket) work, and afterwards the
//! stream is a plain pipe. Each stream has its own window, so a slow reader stops its own sender and nobody else's.
//! A side that hears nothing for [`Liveness::silence_max`] gives the tunnel up; the edge's pings keep an idle one audible.
//!
//! Deliberately absent: TLS (give [`connect`] a TLS stream), who may open a tunnel, and when to dial again, apart from the
//! pure function [`backoff`].

mod backoff;
pub mod close;
mod connect;
mod control;
mod drive;
pub mod handshake;
mod opener;
mod pipe;
mod serve;
mod stream;

pub use backoff::backoff;
pub use close::{CloseReason, Ended};
pub use connect::{ConnectError, Dial, connect};
pub use control::{Liveness, Traffic};
pub use opener::{OpenError, Opener, STREAMS_MAX, SendError, open};
pub use pipe::Socket;
pub use serve::serve;
pub use stream::TunnelStream;

/// The WebSocket subprotocol: yamux in binary messages, the dialling side is the yamux server.
pub const PROTOCOL: &str = "sam.tunnel.v1";
