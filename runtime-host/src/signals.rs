//! Ctrl-C and SIGTERM: the first asks for a graceful end, the second ends at once.

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Both signals, listened to from the moment this is made.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Starts to listen.
    ///
    /// # Errors
    /// When the system refuses a signal handler.
    pub fn listen() -> Result<Self> {
        let handler = |kind| signal(kind).context("no signal handler could be installed");
        Ok(Self {
            interrupt: handler(SignalKind::interrupt())?,
            terminate: handler(SignalKind::terminate())?,
        })
    }

    /// Waits for the next of them.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
