//! What can go wrong between the agent and a supervisor.

use std::io;
use std::time::Duration;

use sam_supervisor::protocol::{Malformed, Refusal};

/// Why a terminal cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// No such terminal.
    #[error("there is no such terminal")]
    NotFound,
    /// The id is taken.
    #[error("a terminal with this id exists")]
    AlreadyExists,
    /// Its program cannot be started; the text says why.
    #[error("{0}")]
    Start(String),
    /// A name or a path is longer than the supervisor takes.
    #[error("`{field}` is longer than {bytes_max} bytes")]
    TooLong {
        /// Which.
        field: &'static str,
        /// What is allowed.
        bytes_max: usize,
    },
    /// As many as the supervisor takes.
    #[error("the workspace has as many terminals as it can")]
    Limit,
    /// The supervisor does not answer: the workspace does not run, or is about to end.
    #[error("the workspace's supervisor does not answer")]
    Unreachable(#[source] io::Error),
    /// It did not answer, or a command did not end, in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// It says something that this agent does not understand.
    #[error("the supervisor's answer is not understood: {0}")]
    Protocol(String),
}

impl From<io::Error> for TerminalError {
    fn from(error: io::Error) -> Self {
        Self::Unreachable(error)
    }
}

impl From<Malformed> for TerminalError {
    fn from(malformed: Malformed) -> Self {
        Self::Protocol(malformed.to_string())
    }
}

impl TerminalError {
    pub(crate) fn refused(refusal: Refusal, message: String) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound,
            Refusal::AlreadyExists => Self::AlreadyExists,
            Refusal::Start => Self::Start(message),
            Refusal::TooMany => Self::Limit,
            Refusal::Stopping => Self::Unreachable(io::Error::new(io::ErrorKind::ConnectionRefused, message)),
            Refusal::Version | Refusal::Protocol | Refusal::InputGap | Refusal::InputWindow | Refusal::Replaced => {
                Self::Protocol(message)
            }
        }
    }
}
