//! The terminals of one workspace, as the agent serves them.
//!
//! Shells live in the workspace's supervisor; here is what is about people: names, viewers, who decides the size, and
//! the WebSocket session of [`sam_contract::terminal`]. Nothing here owns a shell, so the agent may die at any time.
//! Who may open a terminal is decided before this crate is asked.

mod command;
mod error;
mod launch;
mod session;
mod supervisor;
mod terminals;
mod upgrade;
mod viewers;

pub use command::{Command, Finished};
pub use error::TerminalError;
pub use launch::launch_detached;
pub use sam_supervisor::protocol::User;
pub use session::serve;
pub use terminals::{Spec, State, Terminal, Terminals};

/// What a viewer may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Type, and decide the size.
    Write,
    /// Watch.
    Read,
}
