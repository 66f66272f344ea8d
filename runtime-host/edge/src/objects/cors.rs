//! Which web pages may use presigned URLs.

use http::HeaderMap;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderValue, ORIGIN, VARY,
};

pub(super) struct Cors {
    origins: Vec<String>,
}

impl Cors {
    pub(super) fn new(origins: Vec<String>) -> Self {
        Self { origins }
    }

    /// The request's `Origin` if it is one of ours.
    pub(super) fn allowed_origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        self.origins
            .iter()
            .any(|ours| ours.as_bytes() == origin.as_bytes())
            .then(|| origin.clone())
    }

    /// Adds the answer. A foreign origin gets none, and its browser keeps the response to itself.
    pub(super) fn answer(headers: &mut HeaderMap, allowed_origin: Option<HeaderValue>) {
        headers.append(VARY, HeaderValue::from_static("origin"));
        let Some(origin) = allowed_origin else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, HEAD, PUT, DELETE"),
        );
        let allowed =
            HeaderValue::from_static("content-type, content-disposition, cache-control, range, x-amz-content-sha256");
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("etag, content-range, x-request-id"),
        );
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    }
}
