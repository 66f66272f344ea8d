//! Answers the edge gives itself: the same JSON envelope that the application uses.

use crate::{Body, body};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde_json::json;

/// An error in the envelope `{"error","message"}`, in the words of the edge. `code` is in upper snake case.
#[must_use]
pub fn error_answer(status: StatusCode, code: &str, message: &str) -> Response<Body> {
    let mut response = Response::new(body::full(json!({ "error": code, "message": message }).to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
