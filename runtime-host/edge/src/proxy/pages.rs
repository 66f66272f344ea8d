//! The few pages that a proxied host shows instead of its own content: plain HTML, nothing to load, nothing that runs.

use crate::answer::error_answer;
use crate::{Body, body};
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Request, Response, StatusCode};

/// By this response header a machine says that it answers itself, not what runs behind the port.
const X_SAM_ERROR: HeaderName = HeaderName::from_static("x-sam-error");

/// What a client can show to its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    Page,
    Data,
}

impl Wants {
    pub(super) fn of(request: &Request<Body>) -> Self {
        let accepts_html = request.headers().get_all(ACCEPT).iter().any(|value| {
            value
                .as_bytes()
                .windows(9)
                .any(|part| part.eq_ignore_ascii_case(b"text/html"))
        });
        if accepts_html && matches!(*request.method(), Method::GET | Method::HEAD | Method::POST) {
            Self::Page
        } else {
            Self::Data
        }
    }

    pub(super) fn is_page(self) -> bool {
        self == Self::Page
    }

    /// 401.
    pub(super) fn not_entered(self, home: &str) -> Response<Body> {
        if self == Self::Data {
            let message = "Open this port from the application first.";
            return error_answer(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message);
        }
        let home = escape(home);
        page(
            StatusCode::UNAUTHORIZED,
            "Open this port from SAM",
            &format!(
                "<p>This address belongs to a workspace, and this browser has not been let in, or no longer.</p>\
                 <p>Go to the workspace in <a href=\"{home}\">SAM</a> and open the port from there.</p>"
            ),
            None,
        )
    }
}

/// The status, if the machine itself answers.
pub(super) fn own_error(response: &Response<Body>) -> Option<StatusCode> {
    response.headers().contains_key(X_SAM_ERROR).then(|| response.status())
}

/// 401: the client has no valid cookie.
pub(super) fn not_entered(request: &Request<Body>, home: &str) -> Response<Body> {
    Wants::of(request).not_entered(home)
}

/// 404: no host, or nothing to see on it.
pub(super) fn nothing_here(request: &Request<Body>) -> Response<Body> {
    if Wants::of(request) == Wants::Data {
        return error_answer(StatusCode::NOT_FOUND, "NOT_FOUND", "There is nothing at this address.");
    }
    let text = "<p>This address is not for reading. Open the workspace in SAM.</p>";
    page(StatusCode::NOT_FOUND, "Nothing to see here", text, None)
}

/// What the machine says itself about a port.
pub(super) fn agent_error(status: StatusCode, port: Option<&str>) -> Response<Body> {
    let port = escape(port.unwrap_or("this port"));
    if status == StatusCode::BAD_GATEWAY {
        let text = format!(
            "<p>Start your server in the workspace and let it listen on port {port}. This page tries again by itself.</p>"
        );
        return page(status, &format!("Nothing listens on port {port}"), &text, Some(3));
    }
    let text = "<p>The workspace is stopped, or it is just starting. This page tries again by itself.</p>";
    page(status, "The workspace is not running", text, Some(3))
}

/// 503: no tunnel.
pub(super) fn reconnecting() -> Response<Body> {
    let text = "<p>The connection to the machine of this workspace is interrupted. It comes back by itself, and so does \
                this page.</p>";
    page(StatusCode::SERVICE_UNAVAILABLE, "Reconnecting …", text, Some(2))
}

/// `title` and `text` are HTML.
fn page(status: StatusCode, title: &str, text: &str, refresh_s: Option<u32>) -> Response<Body> {
    let refresh = refresh_s.map(|seconds| format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">"));
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">{refresh}<title>{title}</title>\
         <style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:18vh auto;\
         padding:0 1.5rem}}h1{{font-size:1.35rem;margin:0 0 .75rem}}p{{margin:.5rem 0;opacity:.85}}a{{color:inherit}}\
         </style></head><body><h1>{title}</h1>{text}</body></html>",
        refresh = refresh.unwrap_or_default(),
    );
    let mut response = Response::new(body::full(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(CONTENT_TYPE, "text/html; charset=utf-8");
    set(CACHE_CONTROL, "no-store");
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    );
    if refresh_s.is_some() {
        set(RETRY_AFTER, "2");
    }
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
