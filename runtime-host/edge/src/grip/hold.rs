//! Asks the application, and decides whether its answer is passed on or held.

use super::instruction::{self, Mode};
use super::quota::Quota;
use super::{HoldLimits, poll, stream};
use crate::answer::error_answer;
use crate::metrics::Metrics;
use crate::{Body, Upstream, Wakes, body};
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use http::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH, RANGE};
use http::{Extensions, Method, Request, Response, StatusCode, Uri};
use std::net::IpAddr;
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::error;
use url::Url;

/// What every hold needs of the edge. Cheap to clone.
pub(crate) struct Holder<U> {
    shared: Arc<Shared<U>>,
}

pub(super) struct Shared<U> {
    upstream: U,
    pub(super) wakes: Wakes,
    pub(super) limits: HoldLimits,
    pub(super) metrics: Arc<Metrics>,
    pub(super) shutdown: CancellationToken,
    quota: Arc<Quota>,
    turns: Semaphore,
}

/// An answer to a link, with the number of the latest wake before it was asked.
pub(super) struct Answer {
    pub(super) since: u64,
    pub(super) response: Response<Body>,
}

impl<U: Upstream> Holder<U> {
    pub(crate) fn new(
        upstream: U,
        wakes: Wakes,
        limits: HoldLimits,
        metrics: Arc<Metrics>,
        shutdown: CancellationToken,
    ) -> Self {
        let quota = Quota::new(&limits);
        let turns = Semaphore::new(limits.concurrent_max.clamp(1, Semaphore::MAX_PERMITS));
        Self {
            shared: Arc::new(Shared {
                upstream,
                wakes,
                limits,
                metrics,
                shutdown,
                quota,
                turns,
            }),
        }
    }

    /// Answers one request; a long-poll takes until there is something to say.
    pub(crate) async fn handle(&self, request: Request<Body>, client: Option<IpAddr>) -> Response<Body> {
        let shared = &self.shared;
        let again = (request.method() == Method::GET).then(|| Again::of(&request));
        let since = shared.wakes.hub().now();
        let response = shared.upstream.call(request).await;
        shared.wakes.apply(response.headers());
        let Some(again) = again.filter(|_| response.status().is_success()) else {
            return response;
        };
        let instruction = match instruction::parse(response.headers()) {
            Ok(None) => return response,
            Ok(Some(instruction)) => instruction,
            Err(error) => {
                shared.metrics.hold_faults.inc();
                error!(path = again.uri.path(), %error, "the application asks for a hold that cannot be obeyed");
                return error_answer(
                    StatusCode::BAD_GATEWAY,
                    "BAD_HOLD",
                    "The live stream could not be opened.",
                );
            }
        };
        let Some(permit) = shared.quota.admit(&again.headers, client) else {
            shared.metrics.holds_refused.inc();
            let message = "Too many live streams are open. Close some tabs or try again in a few seconds.";
            let mut refusal = error_answer(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_STREAMS", message);
            refusal.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
            return refusal;
        };
        let answer = Answer { since, response };
        let shared = Arc::clone(shared);
        match instruction.mode {
            Mode::Stream => stream::hold(shared, again, permit, instruction, answer),
            Mode::Response => poll::hold(shared, again, permit, instruction, answer).await,
        }
    }
}

impl<U: Upstream> Shared<U> {
    /// Asks a link on behalf of the client, when it is its turn.
    pub(super) async fn ask(&self, again: &Again, link: Option<&str>) -> Result<Answer, LinkError> {
        let request = again.request(link)?;
        // The semaphore is never closed; were it, asking without a turn would still be right.
        let _turn = self.turns.acquire().await.ok();
        self.metrics.hold_requests.inc();
        let since = self.wakes.hub().now();
        let response = self.upstream.call(request).await;
        self.wakes.apply(response.headers());
        Ok(Answer { since, response })
    }
}

/// A `Grip-Link` that cannot be asked.
#[derive(Debug, Error)]
pub(super) enum LinkError {
    #[error("Grip-Link {0:?} is not a URI")]
    NotUri(String),
    #[error("Grip-Link {0:?} leaves the host of the request; a link must stay on it")]
    OtherHost(String),
}

/// The client's request as it is repeated for each link: its own headers, so that it is authorised again each time.
pub(super) struct Again {
    pub(super) uri: Uri,
    headers: HeaderMap,
    extensions: Extensions,
}

impl Again {
    fn of(request: &Request<Body>) -> Self {
        let mut headers = request.headers().clone();
        // The link says where to go on; conditions and positions of the first request would contradict it.
        for name in [
            CONTENT_LENGTH,
            CONTENT_TYPE,
            CONTENT_ENCODING,
            IF_NONE_MATCH,
            IF_MODIFIED_SINCE,
            RANGE,
        ] {
            headers.remove(name);
        }
        headers.remove(HeaderName::from_static("last-event-id"));
        Self {
            uri: request.uri().clone(),
            headers,
            extensions: request.extensions().clone(),
        }
    }

    fn request(&self, link: Option<&str>) -> Result<Request<Body>, LinkError> {
        let mut request = Request::new(body::empty());
        *request.uri_mut() = match link {
            None => self.uri.clone(),
            Some(link) => self.resolve(link)?,
        };
        *request.headers_mut() = self.headers.clone();
        *request.extensions_mut() = self.extensions.clone();
        Ok(request)
    }

    fn resolve(&self, link: &str) -> Result<Uri, LinkError> {
        let not_uri = || LinkError::NotUri(link.to_owned());
        let host = self
            .headers
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or("localhost");
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let base = Url::parse(&format!("http://{host}{path}")).map_err(|_| not_uri())?;
        let url = base.join(link).map_err(|_| not_uri())?;
        let is_web = matches!(url.scheme(), "http" | "https");
        let (explicit, ours) = ((url.host_str(), url.port()), (base.host_str(), base.port()));
        if !is_web || explicit != ours {
            return Err(LinkError::OtherHost(link.to_owned()));
        }
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{query}", url.path()).parse().map_err(|_| not_uri())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_on_the_host() {
        let mut request = Request::new(body::empty());
        *request.uri_mut() = "/api/events?after=1".parse().unwrap();
        request.headers_mut().insert(HOST, "localhost:8787".parse().unwrap());
        request.headers_mut().insert("cookie", "session=1".parse().unwrap());
        request.headers_mut().insert("last-event-id", "1".parse().unwrap());
        let again = Again::of(&request);
        let cases = [
            ("/api/events?after=2", Some("/api/events?after=2")),
            ("?after=2", Some("/api/events?after=2")),
            ("http://localhost:8787/x", Some("/x")),
            ("http://localhost:9/x", None),
            ("//evil.test/x", None),
            ("file:///etc/passwd", None),
        ];
        for (link, expect) in cases {
            let resolved = again.request(Some(link)).ok().map(|request| {
                assert_eq!(request.headers()["cookie"], "session=1");
                assert!(!request.headers().contains_key("last-event-id"));
                request.uri().to_string()
            });
            assert_eq!(resolved.as_deref(), expect, "{link}");
        }
    }
}
