//! The one body type of requests and responses on both sides of the edge.

use crate::limit::limit;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};

/// Any error that may end a body early.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A streamed body: request bodies as they arrive, response bodies as the application makes them.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A body without a byte.
#[must_use]
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body of known bytes.
#[must_use]
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Reads a whole body that may have at most `bytes_max` bytes.
///
/// # Errors
/// When the body breaks off or is longer.
pub async fn read(body: Body, bytes_max: u64) -> Result<Bytes, BoxError> {
    // Not `http_body_util::Limited`: its bound on the error type keeps futures that hold it from being `Send`.
    let (body, _over) = limit(body, bytes_max);
    Ok(body.collect().await?.to_bytes())
}
