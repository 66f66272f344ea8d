//! One request on its way through a component: what the instance, the response body and the log share about it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use http::{HeaderMap, HeaderName};

/// The header that carries the request id, from the edge to the guests and their logs.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A longer id is replaced: ids are written into every log line of the request.
const REQUEST_ID_BYTES_MAX: usize = 64;

/// What is known about one request while any part of it lives.
#[derive(Debug)]
pub(crate) struct RequestScope {
    id: OnceLock<String>,
    /// How many components called each other to get here.
    pub(crate) chain_depth: u8,
    head_sent: AtomicBool,
    body_too_large: AtomicBool,
    truncated: AtomicBool,
    body_ended: OnceLock<Instant>,
}

impl RequestScope {
    /// A scope with the id that the request carries, if that is one; else an id is made when it is first needed.
    pub(crate) fn new(headers: &HeaderMap, chain_depth: u8) -> Self {
        let id = OnceLock::new();
        let given = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
        if let Some(given) = given.filter(|given| is_request_id(given)) {
            let _ = id.set(given.to_owned());
        }
        Self {
            id,
            chain_depth,
            head_sent: AtomicBool::new(false),
            body_too_large: AtomicBool::new(false),
            truncated: AtomicBool::new(false),
            body_ended: OnceLock::new(),
        }
    }

    pub(crate) fn id(&self) -> &str {
        self.id
            .get_or_init(|| ulid::Ulid::generate().to_string().to_lowercase())
    }

    /// The response head has left the component: from here on the request time-out no longer applies.
    pub(crate) fn mark_head_sent(&self) {
        self.head_sent.store(true, Relaxed);
    }

    pub(crate) fn head_sent(&self) -> bool {
        self.head_sent.load(Relaxed)
    }

    /// The response body was sent completely, or nobody wants it any more.
    pub(crate) fn mark_body_ended(&self) {
        let _ = self.body_ended.set(Instant::now());
    }

    pub(crate) fn body_ended(&self) -> Option<Instant> {
        self.body_ended.get().copied()
    }

    /// The request body turned out to be longer than allowed while it was read.
    pub(crate) fn mark_body_too_large(&self) {
        self.body_too_large.store(true, Relaxed);
    }

    pub(crate) fn body_too_large(&self) -> bool {
        self.body_too_large.load(Relaxed)
    }

    /// The instance died: a response body that ends from here on did not end by itself.
    pub(crate) fn mark_truncated(&self) {
        self.truncated.store(true, Relaxed);
    }

    pub(crate) fn truncated(&self) -> bool {
        self.truncated.load(Relaxed)
    }
}

fn is_request_id(text: &str) -> bool {
    (1..=REQUEST_ID_BYTES_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_id_is_kept_only_if_it_is_harmless_in_a_log() {
        let long = "a".repeat(65);
        for (given, kept) in [
            ("abc-1.2_Z", true),
            ("", false),
            ("a b", false),
            ("a\"b", false),
            (&*long, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, given.parse().unwrap());
            let scope = RequestScope::new(&headers, 0);
            assert_eq!(scope.id() == given, kept, "{given:?} became {:?}", scope.id());
            assert_eq!(scope.id(), scope.id());
        }
    }
}
