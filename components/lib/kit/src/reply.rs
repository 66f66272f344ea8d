//! A typed answer with headers, and whom to wake.

use std::fmt;

use axum::body::Body;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use sam_contract::ids::{AccountId, NodeId, UserId};
use sam_contract::route::{Binary, Encoded, EventStream, Output};

use crate::error::ApiError;

/// Whom the edge should wake after this answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// The workers of a queue.
    Queue(&'static str),
    /// Streams of an account's events.
    Account(AccountId),
    /// Administrators' streams of what happens to users.
    Users,
    /// The agent of a node, which waits for what is wanted of it.
    Node(NodeId),
}

impl fmt::Display for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(name) => write!(f, "work:{name}"),
            Self::Account(id) => write!(f, "account:{id}"),
            Self::Users => f.write_str("users"),
            Self::Node(id) => write!(f, "node:{id}"),
        }
    }
}

/// What an answer has besides its body.
#[derive(Debug, Clone, Default)]
pub struct Extras {
    /// Status, where it is not the route's.
    pub status: Option<u16>,
    /// Headers to add.
    pub headers: HeaderMap,
    /// Whom to wake.
    pub wakes: Vec<Wake>,
    /// For the audit log: who it was, where the request itself did not tell.
    pub actor: Option<(UserId, AccountId)>,
    /// For the audit log: on what, where the path does not tell.
    pub target: Option<String>,
}

/// An answer `O` with more than a body. A handler that needs no more returns `O` itself.
#[derive(Debug, Clone)]
pub struct Reply<O> {
    output: O,
    extras: Extras,
}

impl<O> Reply<O> {
    /// With nothing added yet.
    pub fn new(output: O) -> Self {
        Self {
            output,
            extras: Extras::default(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.extras.headers.append(name, value);
        self
    }

    /// Answers with another status than the route's.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.extras.status = Some(status);
        self
    }

    /// Wakes whoever waits for what has just been written.
    #[must_use]
    pub fn wake(mut self, wakes: &[Wake]) -> Self {
        self.extras.wakes.extend_from_slice(wakes);
        self
    }

    /// Names in the audit log who signed in: the request came without a principal.
    #[must_use]
    pub fn by(mut self, user: UserId, account: AccountId) -> Self {
        self.extras.actor = Some((user, account));
        self
    }

    /// Names in the audit log what was made: the path has no id yet.
    #[must_use]
    pub fn about(mut self, target: &impl fmt::Display) -> Self {
        self.extras.target = Some(target.to_string());
        self
    }
}

/// What every handler's answer becomes.
pub struct Answer {
    /// All but the body.
    pub extras: Extras,
    /// The body.
    pub payload: Payload,
}

/// A body.
pub enum Payload {
    /// All of it.
    Encoded(Encoded),
    /// As it comes, with its media type.
    Stream(&'static str, Body),
}

impl Answer {
    /// An event stream that is written as things happen, on a host where nothing else can hold it open.
    pub fn stream(body: Body) -> Self {
        Self {
            extras: Extras::default(),
            payload: Payload::Stream("text/event-stream", body),
        }
    }

    /// Bytes that are read as they are sent, for files that are too large to be held whole.
    pub fn bytes(body: Body, headers: HeaderMap) -> Self {
        Self {
            extras: Extras {
                headers,
                ..Extras::default()
            },
            payload: Payload::Stream("application/octet-stream", body),
        }
    }
}

impl Answers<Binary> for Answer {
    fn answer(self) -> Result<Answer, ApiError> {
        Ok(self)
    }
}

impl Answers<EventStream> for Answer {
    fn answer(self) -> Result<Answer, ApiError> {
        Ok(self)
    }
}

/// Something that answers a route of output `O`: `O` itself or a [`Reply`] of it.
pub trait Answers<O> {
    /// Becomes bytes.
    ///
    /// # Errors
    /// When the output cannot be written as JSON, which is a defect of its type.
    fn answer(self) -> Result<Answer, ApiError>;
}

impl<O: Output> Answers<O> for O {
    fn answer(self) -> Result<Answer, ApiError> {
        Reply::new(self).answer()
    }
}

impl<O: Output> Answers<O> for Reply<O> {
    fn answer(self) -> Result<Answer, ApiError> {
        let encoded = self.output.encode();
        let encoded = encoded.map_err(|error| ApiError::internal(format!("writing the answer: {error}")))?;
        Ok(Answer {
            extras: self.extras,
            payload: Payload::Encoded(encoded),
        })
    }
}
