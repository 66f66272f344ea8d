//! The way of one request through the edge.

use crate::access_log::{Entry, Logged};
use crate::answer::error_answer;
use crate::grip::{HoldLimits, Holder};
use crate::hygiene::{self, X_REQUEST_ID, X_SAM_EDGE};
use crate::metrics::Metrics;
use crate::objects::ObjectStore;
use crate::{Body, HostNames, HostRefusal, Scheme, Upstream, Wakes, limit};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, UPGRADE};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

/// A response header by which an upstream may name the part of it that answered: for the access log, not for clients.
pub const X_SAM_COMPONENT: HeaderName = HeaderName::from_static("x-sam-component");

/// Bodies of API requests are JSON documents; files go to the object store, which has its own limit.
const BODY_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// How an edge behaves. The default serves any host name over plain HTTP and has no object store.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    /// Host names that are served; others get 421.
    pub host_names: HostNames,
    /// How clients reach the edge.
    pub scheme: Scheme,
    /// Larger request bodies get 413.
    pub body_bytes_max: u64,
    /// Limits of held streams and long-polls.
    pub holds: HoldLimits,
    /// Where wakes of responses go.
    pub wakes: Wakes,
    /// The object store, served under the path of its bucket.
    pub objects: Option<ObjectStore>,
    /// Ends every hold when cancelled, so that a server can drain.
    pub shutdown: CancellationToken,
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            host_names: HostNames::any(),
            scheme: Scheme::Http,
            body_bytes_max: BODY_BYTES_MAX,
            holds: HoldLimits::default(),
            wakes: Wakes::default(),
            objects: None,
            shutdown: CancellationToken::new(),
        }
    }
}

/// The edge in front of an upstream. Cheap to clone.
pub struct Edge<U> {
    shared: Arc<Shared<U>>,
}

impl<U> Clone for Edge<U> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

struct Shared<U> {
    host_names: HostNames,
    scheme: Scheme,
    body_bytes_max: u64,
    objects: Option<ObjectStore>,
    holder: Holder<U>,
    metrics: Arc<Metrics>,
}

impl<U: Upstream> Edge<U> {
    /// Puts an edge in front of `upstream`.
    #[must_use]
    pub fn new(config: EdgeConfig, upstream: U) -> Self {
        let EdgeConfig {
            host_names,
            scheme,
            body_bytes_max,
            holds,
            wakes,
            objects,
            shutdown,
        } = config;
        let metrics = Arc::new(Metrics::default());
        let holder = Holder::new(upstream, wakes, holds, Arc::clone(&metrics), shutdown);
        Self {
            shared: Arc::new(Shared {
                host_names,
                scheme,
                body_bytes_max,
                objects,
                holder,
                metrics,
            }),
        }
    }

    /// What this edge counts.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.shared.metrics
    }

    /// Answers one request of the client at `address`, which the application finds as a [`SocketAddr`] among the request's
    /// extensions.
    pub async fn handle(&self, mut request: Request<Body>, address: Option<SocketAddr>) -> Response<Body> {
        let started = Instant::now();
        let request_id = Ulid::generate().to_string().to_ascii_lowercase();
        // A ULID is 26 letters and digits, lowercase as all our ids; the fallback is for the type checker.
        let id_value = HeaderValue::from_str(&request_id).unwrap_or(HeaderValue::from_static("-"));
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = match self.shared.check(&request) {
            Some(refusal) => refusal,
            None => {
                hygiene::clean_request(request.headers_mut());
                request.headers_mut().insert(X_REQUEST_ID, id_value.clone());
                if let Some(address) = address {
                    request.extensions_mut().insert(address);
                }
                self.shared.serve(request, address).await
            }
        };
        let (mut parts, body) = response.into_parts();
        let component = parts
            .headers
            .get(X_SAM_COMPONENT)
            .and_then(|name| name.to_str().ok())
            .map(str::to_owned);
        let announced = declared_length(&parts.headers).or(http_body::Body::size_hint(&body).exact());
        let demanded = parts.status == StatusCode::UPGRADE_REQUIRED;
        hygiene::finish_response(&mut parts.headers, &id_value, self.shared.scheme);
        if demanded {
            // RFC 9110 §15.5.22: a 426 names the protocol that is spoken instead.
            parts.headers.insert(UPGRADE, HeaderValue::from_static("HTTP/1.1"));
            parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        }
        self.shared.metrics.answered(&method, parts.status, started.elapsed());
        let metrics = Arc::clone(&self.shared.metrics);
        let entry = Entry {
            method,
            path,
            status: parts.status,
            request_id,
            component,
            started,
            metrics,
        };
        Response::from_parts(parts, Logged::new(body, announced, entry).boxed_unsync())
    }
}

impl<U: Upstream> Shared<U> {
    /// Refuses what no application should see.
    fn check(&self, request: &Request<Body>) -> Option<Response<Body>> {
        if let Err(refusal) = self.host_names.check(request.headers(), request.uri().authority()) {
            let (status, code) = match refusal {
                HostRefusal::Malformed => (StatusCode::BAD_REQUEST, "BAD_HOST"),
                HostRefusal::NotServed(_) => (StatusCode::MISDIRECTED_REQUEST, "HOST_NOT_SERVED"),
            };
            return Some(error_answer(status, code, &refusal.to_string()));
        }
        if request.method() == Method::CONNECT || !request.uri().path().starts_with('/') {
            let message = "The request target must be a path that starts with a slash.";
            return Some(error_answer(StatusCode::BAD_REQUEST, "BAD_TARGET", message));
        }
        if hygiene::demands_upgrade(request.headers()) {
            let message = "This address serves no WebSocket or other upgrade.";
            return Some(error_answer(
                StatusCode::UPGRADE_REQUIRED,
                "UPGRADE_NOT_SERVED",
                message,
            ));
        }
        None
    }

    async fn serve(&self, mut request: Request<Body>, address: Option<SocketAddr>) -> Response<Body> {
        if let Some(objects) = self
            .objects
            .as_ref()
            .filter(|objects| objects.serves(request.uri().path()))
        {
            return objects.handle(request).await;
        }
        if declared_length(request.headers()).is_some_and(|length| length > self.body_bytes_max) {
            return self.too_large();
        }
        if let Some(target) = request.uri().authority().and(request.uri().path_and_query()).cloned() {
            *request.uri_mut() = Uri::from(target);
        }
        request
            .headers_mut()
            .insert(X_SAM_EDGE, HeaderValue::from_static("grip"));
        let (parts, body) = request.into_parts();
        let (body, over) = limit::limit(body, self.body_bytes_max);
        let response = self
            .holder
            .handle(Request::from_parts(parts, body), address.map(|address| address.ip()))
            .await;
        if over.happened() { self.too_large() } else { response }
    }

    fn too_large(&self) -> Response<Body> {
        let message = format!("The request body is larger than {} bytes.", self.body_bytes_max);
        error_answer(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", &message)
    }
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
