//! Why a tunnel ends, as both sides see it.

use std::io;
use thiserror::Error;

/// The edge is going away (a restart): dial again, with jitter.
pub const GOING_AWAY: u16 = 1001;
/// A newer tunnel of the same name replaced this one: another process of the same agent runs, or its older connection lived on.
pub const REPLACED: u16 = 4409;
/// The edge no longer accepts this name, for example because it was removed.
pub const REFUSED: u16 = 4403;

/// The code and text of a WebSocket close frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseReason {
    /// RFC 6455 §7.4; this module's constants are what SAM's edge sends.
    pub code: u16,
    /// For people.
    pub text: String,
}

/// How a tunnel ended.
#[derive(Debug, Error)]
pub enum Ended {
    /// The other side said goodbye.
    #[error("the other side closed the tunnel with {}: {}", .0.code, .0.text)]
    ClosedByPeer(CloseReason),
    /// The connection ended without a word.
    #[error("the connection of the tunnel ended")]
    Disconnected,
    /// This side closed it.
    #[error("this side closed the tunnel with {}: {}", .0.code, .0.text)]
    ClosedHere(CloseReason),
    /// Nothing was heard for too long.
    #[error("nothing was heard through the tunnel for too long")]
    Silent,
    /// The connection broke, or the other side broke the protocol.
    #[error("the tunnel broke")]
    Broken(#[source] io::Error),
}
