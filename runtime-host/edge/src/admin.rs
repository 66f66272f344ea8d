//! The admin listener: what operators and the command line ask, on a loopback address of its own.
//!
//! `GET /healthz` says whether the process serves; `GET /metrics` is for Prometheus; anything else goes to the owner's
//! function, which must ask for its own credentials.

use crate::answer::error_answer;
use crate::body::{self, Body};
use crate::{HostNames, Upstream};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use std::fmt;
use std::sync::Arc;

/// The functions behind the admin listener. Cheap to clone.
#[derive(Clone)]
pub struct Admin<U> {
    host_names: HostNames,
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
    other: U,
}

impl<U> fmt::Debug for Admin<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("host_names", &self.host_names)
            .finish_non_exhaustive()
    }
}

impl<U: Upstream> Admin<U> {
    /// `metrics` renders the text of `/metrics`; `other` answers every path that the admin listener does not know.
    pub fn new(host_names: HostNames, metrics: impl Fn() -> String + Send + Sync + 'static, other: U) -> Self {
        Self {
            host_names,
            metrics: Arc::new(metrics),
            other,
        }
    }

    /// Answers one request.
    pub async fn handle(&self, request: Request<Body>) -> Response<Body> {
        // A web page that rebinds its name to loopback must not read metrics either.
        if let Err(refusal) = self.host_names.check(request.headers(), request.uri().authority()) {
            return error_answer(StatusCode::MISDIRECTED_REQUEST, "HOST_NOT_SERVED", &refusal.to_string());
        }
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/healthz") => text("ok\n".to_owned(), "text/plain; charset=utf-8"),
            (&Method::GET, "/metrics") => text(
                (self.metrics)(),
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            ),
            _ => self.other.call(request).await,
        }
    }
}

fn text(text: String, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(body::full(text));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn known_paths_are_answered_here_and_others_by_the_owner() {
        let other = |_request| async { error_answer(StatusCode::NOT_FOUND, "NOT_FOUND", "nothing here") };
        let admin = Admin::new(HostNames::loopback(), || "metrics".to_owned(), other);
        let cases = [
            ("GET", "localhost", "/healthz", 200, "ok\n"),
            ("GET", "127.0.0.1:1", "/metrics", 200, "metrics"),
            (
                "POST",
                "localhost",
                "/metrics",
                404,
                r#"{"error":"NOT_FOUND","message":"nothing here"}"#,
            ),
        ];
        for (method, host, path, status, text) in cases {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("host", host)
                .body(body::empty())
                .unwrap();
            let response = admin.handle(request).await;
            assert_eq!(response.status().as_u16(), status, "{method} {path}");
            assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), text);
        }
        let rebound = Request::get("/metrics")
            .header("host", "evil.test")
            .body(body::empty())
            .unwrap();
        assert_eq!(admin.handle(rebound).await.status(), StatusCode::MISDIRECTED_REQUEST);
    }
}
