//! What a handler answers, and how that becomes bytes.

use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// An answer ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Media type; none when there is no body.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: Vec<u8>,
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
    Ok(Encoded {
        content_type: Some("application/json"),
        body: serde_json::to_vec(value)?,
    })
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
        Ok(Encoded {
            content_type: None,
            body: Vec::new(),
        })
    }
}

impl Output for EventStream {
    const STATUS: u16 = 200;
    fn describe() -> OutputSchema {
        OutputSchema {
            content_type: Some("text/event-stream"),
            body: None,
            schemas: Vec::new(),
        }
    }
    fn encode(self) -> Result<Encoded, serde_json::Error> {
        Ok(Encoded {
            content_type: Some("text/event-stream"),
            body: self.0,
        })
    }
}
