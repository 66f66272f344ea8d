//! What reaches the S3 layer at all: one object, four methods, a plain key, a declared size.

use crate::Body;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Request, StatusCode};
use thiserror::Error;

/// A key becomes part of a file name in base64, together with about 50 bytes of its own; file names end at 255 bytes.
const KEY_BYTES_MAX: usize = 128;

/// Why a request does not reach the store. The words are safe inside XML.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum Refusal {
    #[error("Only GET, HEAD, PUT and DELETE of one object are served.")]
    Method,
    #[error(
        "A key has at most {KEY_BYTES_MAX} bytes: segments of letters, digits and . _ ~ - between slashes, none starting with a dot."
    )]
    Key,
    #[error("The query or a header asks for an operation that is not served.")]
    Operation,
    #[error("A PUT needs a Content-Length.")]
    NoLength,
    #[error("An object may have at most {0} bytes.")]
    TooLarge(u64),
    #[error("The object store failed; its log has the cause.")]
    Failed,
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Key | Self::Operation => StatusCode::BAD_REQUEST,
            Self::NoLength => StatusCode::LENGTH_REQUIRED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Method => "MethodNotAllowed",
            Self::Key => "InvalidURI",
            Self::Operation => "NotImplemented",
            Self::NoLength => "MissingContentLength",
            Self::TooLarge(_) => "EntityTooLarge",
            Self::Failed => "InternalError",
        }
    }
}

pub(super) fn check(request: &Request<Body>, prefix: &str, object_bytes_max: u64) -> Result<(), Refusal> {
    let method = request.method();
    if ![Method::GET, Method::HEAD, Method::PUT, Method::DELETE].contains(method) {
        return Err(Refusal::Method);
    }
    let key = request.uri().path().strip_prefix(prefix).ok_or(Refusal::Key)?;
    if !is_plain_key(key) {
        return Err(Refusal::Key);
    }
    if !request
        .uri()
        .query()
        .unwrap_or_default()
        .split('&')
        .all(is_plain_parameter)
        || !has_plain_headers(request.headers())
    {
        return Err(Refusal::Operation);
    }
    if method == Method::PUT {
        let headers = request.headers();
        let declared = headers
            .get(CONTENT_LENGTH)
            .filter(|_| !headers.contains_key(TRANSFER_ENCODING));
        let length: u64 = declared
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .ok_or(Refusal::NoLength)?;
        if length > object_bytes_max {
            return Err(Refusal::TooLarge(object_bytes_max));
        }
    }
    Ok(())
}

/// No percent sign is allowed, so nothing can hide in an escape, and no segment is `.`, `..`, empty or hidden.
fn is_plain_key(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    key.len() <= KEY_BYTES_MAX
        && key
            .split('/')
            .all(|segment| !segment.is_empty() && !segment.starts_with('.') && segment.bytes().all(plain))
}

/// The parameters of a signature, and those that only change headers of the answer.
fn is_plain_parameter(parameter: &str) -> bool {
    let name = parameter.split('=').next().unwrap_or_default().to_ascii_lowercase();
    name.is_empty() || name == "x-id" || name.starts_with("x-amz-") || name.starts_with("response-")
}

fn has_plain_headers(headers: &HeaderMap) -> bool {
    let plain = |name: &str| {
        matches!(
            name,
            "x-amz-content-sha256" | "x-amz-date" | "x-amz-sdk-checksum-algorithm" | "x-amz-user-agent"
        ) || name.starts_with("x-amz-meta-")
            || name.starts_with("x-amz-checksum-")
    };
    headers
        .keys()
        .map(http::HeaderName::as_str)
        .all(|name| !name.starts_with("x-amz-") || plain(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body;

    #[test]
    fn only_plain_operations_on_plain_keys_pass() {
        let long = format!("/files/{}", "k".repeat(KEY_BYTES_MAX + 1));
        #[allow(clippy::type_complexity, reason = "a table")]
        let cases: &[(&str, &str, &[(&str, &str)], Result<(), Refusal>)] = &[
            ("GET", "/files/a/b-1.txt?X-Amz-Signature=1&x-id=GetObject", &[], Ok(())),
            ("DELETE", "/files/a", &[], Ok(())),
            (
                "PUT",
                "/files/a",
                &[("content-length", "10"), ("x-amz-meta-a", "b")],
                Ok(()),
            ),
            (
                "PUT",
                "/files/a",
                &[("content-length", "11")],
                Err(Refusal::TooLarge(10)),
            ),
            ("PUT", "/files/a", &[], Err(Refusal::NoLength)),
            (
                "PUT",
                "/files/a",
                &[("content-length", "1"), ("transfer-encoding", "chunked")],
                Err(Refusal::NoLength),
            ),
            (
                "PUT",
                "/files/a",
                &[("content-length", "1"), ("x-amz-copy-source", "/files/b")],
                Err(Refusal::Operation),
            ),
            ("POST", "/files/a", &[], Err(Refusal::Method)),
            ("GET", "/files/", &[], Err(Refusal::Key)),
            ("GET", "/files/a//b", &[], Err(Refusal::Key)),
            ("GET", "/files/../x", &[], Err(Refusal::Key)),
            ("GET", "/files/%2e%2e/x", &[], Err(Refusal::Key)),
            ("GET", "/files/a%2f..%2fb", &[], Err(Refusal::Key)),
            ("GET", "/files/.bucket-x", &[], Err(Refusal::Key)),
            ("GET", &long, &[], Err(Refusal::Key)),
            ("GET", "/files/a?uploads", &[], Err(Refusal::Operation)),
            ("GET", "/files/a?acl&X-Amz-Signature=1", &[], Err(Refusal::Operation)),
        ];
        for (method, uri, headers, expect) in cases {
            let mut request = Request::builder()
                .method(*method)
                .uri(*uri)
                .body(body::empty())
                .unwrap();
            for (name, value) in *headers {
                request
                    .headers_mut()
                    .insert(http::HeaderName::from_static(name), value.parse().unwrap());
            }
            assert_eq!(check(&request, "/files/", 10), *expect, "{method} {uri} {headers:?}");
        }
    }
}
