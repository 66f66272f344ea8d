//! The application lets a machine behind a tunnel answer in its stead, as `X-Accel-Redirect` lets a file do.
//!
//! | response header of the application | meaning |
//! |---|---|
//! | `x-sam-forward` | the name of the tunnel |
//! | `x-sam-forward-target` | `<METHOD> <path?query>` of the request that is sent through it |
//!
//! The application's body becomes the request's body, unless the edge holds the client's: a body of
//! `application/octet-stream` never goes through the application, which sees `x-sam-body-held: <length>|stream` instead.
//! The machine's answer streams to the client. It appears under the application's own origin, so only headers that say
//! what the bytes are get through, and a policy keeps browsers from running any of them.

use crate::answer::error_answer;
use crate::foreign::Foreign;
use crate::hygiene::X_REQUEST_ID;
use crate::metrics::Metrics;
use crate::tunnel::Tunnels;
use crate::{Body, BoxError, X_SAM_COMPONENT};
use http::header::{
    ACCEPT, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE, RETRY_AFTER,
};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use std::time::Duration;
use thiserror::Error;
use tokio::time::timeout;
use tracing::{debug, error};

pub(crate) const X_SAM_FORWARD: HeaderName = HeaderName::from_static("x-sam-forward");
const X_SAM_FORWARD_TARGET: HeaderName = HeaderName::from_static("x-sam-forward-target");
const X_SAM_BODY_HELD: HeaderName = HeaderName::from_static("x-sam-body-held");

/// The machine must begin its answer within this time after the request was sent, unless a held body is still on its way.
const HEAD_MAX: Duration = Duration::from_secs(120);

/// What of the client's request the machine may know.
const REQUEST_HEADERS: [HeaderName; 6] = [ACCEPT, IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_RANGE, RANGE];

/// What of the machine's answer the client may know.
const RESPONSE_HEADERS: [HeaderName; 10] = [
    ACCEPT_RANGES,
    CACHE_CONTROL,
    CONTENT_DISPOSITION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    ETAG,
    LAST_MODIFIED,
    RETRY_AFTER,
];

/// Bytes of a machine that anybody may have enrolled must not become a page of the application.
const POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// What the edge keeps of a client's request for a forward that may follow.
pub(crate) struct Kept {
    headers: HeaderMap,
    body: Option<Body>,
}

/// Keeps what a forward needs. A body of bytes stays here; the application gets an empty one and is told.
pub(crate) fn keep(request: Request<Body>) -> (Kept, Request<Body>) {
    let (mut parts, body) = request.into_parts();
    let headers = REQUEST_HEADERS
        .iter()
        .chain([&X_REQUEST_ID])
        .filter_map(|name| Some((name.clone(), parts.headers.get(name)?.clone())))
        .collect();
    if !is_held(&parts.headers) {
        return (Kept { headers, body: None }, Request::from_parts(parts, body));
    }
    let length = parts.headers.remove(CONTENT_LENGTH);
    let length = length.unwrap_or(HeaderValue::from_static("stream"));
    parts.headers.insert(X_SAM_BODY_HELD, length);
    let kept = Kept {
        headers,
        body: Some(body),
    };
    (kept, Request::from_parts(parts, crate::body::empty()))
}

/// Whether a request's body stays at the edge.
pub(crate) fn is_held(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/octet-stream"))
}

/// A forward that cannot be obeyed.
#[derive(Debug, Error, PartialEq, Eq)]
enum BadForward {
    #[error("x-sam-forward is no tunnel name")]
    Name,
    #[error("x-sam-forward-target {0:?} is not `METHOD /path?query`")]
    Target(String),
}

/// Obeys an answer that asks for a forward.
pub(crate) async fn obey(tunnels: &Tunnels, metrics: &Metrics, answer: Response<Body>, kept: Kept) -> Response<Body> {
    let component = answer.headers().get(X_SAM_COMPONENT).cloned();
    let (tunnel, mut response) = match instruction(answer.headers()) {
        Ok((tunnel, method, target)) => {
            let response = through(tunnels, metrics, &tunnel, request(method, target, answer, kept)).await;
            (tunnel, response)
        }
        Err(error) => {
            metrics.forwarded("bad");
            error!(%error, "the application asks for a forward that cannot be obeyed");
            let message = "The request could not be passed on.";
            (
                "-".to_owned(),
                error_answer(StatusCode::BAD_GATEWAY, "BAD_FORWARD", message),
            )
        }
    };
    response.extensions_mut().insert(Foreign::forwarded(&tunnel));
    if let Some(component) = component {
        response.headers_mut().insert(X_SAM_COMPONENT, component);
    }
    response
}

fn instruction(headers: &HeaderMap) -> Result<(String, Method, Uri), BadForward> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let tunnel = text(X_SAM_FORWARD).map(str::trim).filter(|name| !name.is_empty());
    let tunnel = tunnel.ok_or(BadForward::Name)?.to_owned();
    let target = text(X_SAM_FORWARD_TARGET).unwrap_or_default();
    let bad = || BadForward::Target(target.to_owned());
    let (method, path) = target.split_once(' ').ok_or_else(bad)?;
    let method: Method = method.parse().map_err(|_| bad())?;
    let path: Uri = path.parse().map_err(|_| bad())?;
    let is_path = path.authority().is_none() && path.path().starts_with('/');
    if !is_path || method == Method::CONNECT {
        return Err(bad());
    }
    Ok((tunnel, method, path))
}

fn request(method: Method, target: Uri, answer: Response<Body>, kept: Kept) -> Request<Body> {
    let (parts, written) = answer.into_parts();
    let mut request = Request::new(crate::body::empty());
    *request.method_mut() = method;
    *request.uri_mut() = target;
    *request.headers_mut() = kept.headers;
    let headers = request.headers_mut();
    match kept.body {
        Some(held) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
            *request.body_mut() = held;
        }
        None => {
            if let Some(content_type) = parts.headers.get(CONTENT_TYPE) {
                headers.insert(CONTENT_TYPE, content_type.clone());
            }
            if let Some(length) = parts.headers.get(CONTENT_LENGTH) {
                headers.insert(CONTENT_LENGTH, length.clone());
            }
            *request.body_mut() = written;
        }
    }
    request
}

async fn through(tunnels: &Tunnels, metrics: &Metrics, tunnel: &str, request: Request<Body>) -> Response<Body> {
    let unreachable = |outcome, message: &str| {
        metrics.forwarded(outcome);
        let mut response = error_answer(StatusCode::SERVICE_UNAVAILABLE, "NODE_UNREACHABLE", message);
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("2"));
        response
    };
    let Some(opener) = tunnels.get(tunnel) else {
        return unreachable(
            "closed",
            "The node is not connected right now. It connects again by itself.",
        );
    };
    let patience = if is_held(request.headers()) {
        Duration::MAX
    } else {
        HEAD_MAX
    };
    let answer = match timeout(patience, opener.send(request)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            debug!(tunnel, %error, "a forwarded request got no answer");
            return unreachable("broken", "The connection to the node broke off. Try again.");
        }
        Err(_) => return unreachable("late", "The node did not answer in time. Try again."),
    };
    metrics.forwarded("ok");
    let (mut parts, body) = answer.into_parts();
    let kept = RESPONSE_HEADERS
        .iter()
        .filter_map(|name| Some((name.clone(), parts.headers.get(name)?.clone())))
        .collect();
    parts.headers = kept;
    parts
        .headers
        .insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if parts.status.is_informational() {
        parts.status = StatusCode::BAD_GATEWAY;
    }
    // The version and extensions are those of another connection.
    let mut response = Response::new(body.map_err(BoxError::from).boxed_unsync());
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forward_names_a_tunnel_and_a_request_line() {
        type Case<'c> = (&'c str, &'c str, Result<(&'c str, &'c str, &'c str), BadForward>);
        let bad = |target: &str| Err(BadForward::Target(target.to_owned()));
        let cases: Vec<Case<'_>> = vec![
            ("n1", "GET /v1/health", Ok(("n1", "GET", "/v1/health"))),
            (" n1 ", "PUT /v1/f?path=a%20b", Ok(("n1", "PUT", "/v1/f?path=a%20b"))),
            ("", "GET /", Err(BadForward::Name)),
            ("n1", "", bad("")),
            ("n1", "/v1", bad("/v1")),
            ("n1", "GET v1", bad("GET v1")),
            ("n1", "GET http://evil.test/", bad("GET http://evil.test/")),
            ("n1", "GET /a b", bad("GET /a b")),
            ("n1", "CONNECT /a", bad("CONNECT /a")),
            ("n1", "G(T /", bad("G(T /")),
        ];
        for (name, target, expect) in cases {
            let headers = HeaderMap::from_iter([
                (X_SAM_FORWARD, name.parse().unwrap()),
                (X_SAM_FORWARD_TARGET, target.parse().unwrap()),
            ]);
            let got = instruction(&headers);
            let expect =
                expect.map(|(name, method, path)| (name.to_owned(), method.parse().unwrap(), path.parse().unwrap()));
            assert_eq!(got, expect, "{name:?} {target:?}");
        }
    }

    #[test]
    fn only_bytes_are_held() {
        for (content_type, expect) in [
            ("application/octet-stream", true),
            ("Application/Octet-Stream; charset=x", true),
            ("application/json", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())]);
            assert_eq!(is_held(&headers), expect, "{content_type}");
        }
    }
}
