//! What a handler answers, and how that becomes bytes.

use std::marker::PhantomData;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::Method;
use crate::ids::NodeId;

/// An answer ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Media type; none when there is no body.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: Vec<u8>,
    /// For the edge, where a node answers instead of us.
    pub forward: Option<Forward>,
}

impl Encoded {
    /// A body of that media type.
    pub const fn new(content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            content_type: Some(content_type),
            body,
            forward: None,
        }
    }

    /// No body.
    pub const fn empty() -> Self {
        Self {
            content_type: None,
            body: Vec::new(),
            forward: None,
        }
    }
}

/// A request that the edge sends to a node in our stead. Our answer's body is its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// Through whose tunnel.
    pub node: NodeId,
    /// Method of the agent's API.
    pub method: Method,
    /// Path and query of the agent's API, below `/v1`.
    pub target: String,
}

/// The answer of a node: `T` is what it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded<T> {
    forward: Forward,
    body: Vec<u8>,
    answer: PhantomData<fn() -> T>,
}

impl<T> Forwarded<T> {
    /// Lets the node answer a request without a body, or with the body that the edge holds.
    pub const fn new(forward: Forward) -> Self {
        Self {
            forward,
            body: Vec::new(),
            answer: PhantomData,
        }
    }

    /// Lets the node answer a request with this JSON.
    ///
    /// # Errors
    /// When a value cannot be written as JSON, which is a defect of its type.
    pub fn with_body(forward: Forward, body: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self {
            body: serde_json::to_vec(body)?,
            ..Self::new(forward)
        })
    }
}

/// What an output adds to the OpenAPI document.
pub struct OutputSchema {
    /// Media type of the body; none when there is none.
    pub content_type: Option<&'static str>,
    /// Name of the body's schema.
    pub body: Option<String>,
    /// The schemas that it needs, by name.
    pub schemas: Vec<(String, RefOr<Schema>)>,
}

/// A typed answer: any wire type (200), or one of the wrappers of this module.
pub trait Output: Send + 'static {
    /// Status of success.
    const STATUS: u16;

    /// Describes itself.
    fn describe() -> OutputSchema;

    /// Encodes itself.
    ///
    /// # Errors
    /// When a value cannot be written as JSON, which is a defect of its type.
    fn encode(self) -> Result<Encoded, serde_json::Error>;
}

/// 201 with the new thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created<T>(pub T);

/// 204.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoContent;

/// 200 with bytes, for downloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary(pub Vec<u8>);

/// 200 with text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainText(pub String);

/// 200 with a shell script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script(pub String);

/// 200 with server-sent events; the frames are written by `kit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventStream(pub Vec<u8>);

fn json_schema<T: ToSchema>() -> OutputSchema {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    OutputSchema {
        content_type: Some("application/json"),
        body: Some(T::name().into_owned()),
        schemas,
    }
}

fn json<T: Serialize>(value: &T) -> Result<Encoded, serde_json::Error> {
    Ok(Encoded::new("application/json", serde_json::to_vec(value)?))
}

impl<T: Serialize + ToSchema + Send + 'static> Output for T {
    const STATUS: u16 = 200;
    fn describe() -> OutputSchema {
        json_schema::<T>()
    }
    fn encode(self) -> Result<Encoded, serde_json::Error> {
        json(&self)
    }
}

impl<T: Serialize + ToSchema + Send + 'static> Output for Created<T> {
    const STATUS: u16 = 201;
    fn describe() -> OutputSchema {
        json_schema::<T>()
    }
    fn encode(self) -> Result<Encoded, serde_json::Error> {
        json(&self.0)
    }
}

impl Output for NoContent {
    const STATUS: u16 = 204;
    fn describe() -> OutputSchema {
        OutputSchema {
            content_type: None,
            body: None,
            schemas: Vec::new(),
        }
    }
    fn encode(self) -> Result<Encoded, serde_json::Error> {
        Ok(Encoded::empty())
    }
}

impl<T: Output> Output for Forwarded<T> {
    const STATUS: u16 = T::STATUS;
    fn describe() -> OutputSchema {
        T::describe()
    }
    fn encode(self) -> Result<Encoded, serde_json::Error> {
        Ok(Encoded {
            content_type: (!self.body.is_empty()).then_some("application/json"),
            body: self.body,
            forward: Some(self.forward),
        })
    }
}

macro_rules! media {
    ($($name:ident: $content_type:literal;)+) => {$(
        impl Output for $name {
            const STATUS: u16 = 200;
            fn describe() -> OutputSchema {
                OutputSchema {
                    content_type: Some($content_type),
                    body: None,
                    schemas: Vec::new(),
                }
            }
            fn encode(self) -> Result<Encoded, serde_json::Error> {
                Ok(Encoded::new($content_type, self.0.into()))
            }
        }
    )+};
}

media! {
    Binary: "application/octet-stream";
    EventStream: "text/event-stream";
    PlainText: "text/plain; charset=utf-8";
    Script: "text/x-shellscript; charset=utf-8";
}
