//! The answers that the host gives itself: one JSON envelope, the same for every refusal.

use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

use crate::body::{self, Body};

/// An error answer: `{"error":CODE,"message":…,"request_id":…}`. `code` and `message` need no JSON escaping.
pub(crate) fn error(status: StatusCode, code: &str, message: &str, request_id: &str) -> Response<Body> {
    let envelope = format!(r#"{{"error":"{code}","message":"{message}","request_id":"{request_id}"}}"#);
    let mut response = Response::new(body::full(envelope));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) fn internal(request_id: &str) -> Response<Body> {
    error(
        StatusCode::INTERNAL_SERVER_ERROR,
        "INTERNAL",
        "The request failed; the log names the cause under this request id.",
        request_id,
    )
}

pub(crate) fn busy(request_id: &str) -> Response<Body> {
    let mut response = error(
        StatusCode::SERVICE_UNAVAILABLE,
        "BUSY",
        "Too many requests are in progress; try again soon.",
        request_id,
    );
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
