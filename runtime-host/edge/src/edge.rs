//! The way of one request through the edge.

use crate::access_log::{Entry, Logged};
use crate::answer::error_answer;
use crate::foreign::Foreign;
use crate::forward::{self, X_SAM_FORWARD};
use crate::grip::{HoldLimits, Holder};
use crate::hygiene::{self, X_REQUEST_ID, X_SAM_EDGE};
use crate::metrics::Metrics;
use crate::objects::ObjectStore;
use crate::proxy::{Proxy, ProxyConfig};
use crate::tunnel::{Acceptor, TunnelConfig, Tunnels};
use crate::{Body, HostNames, HostRefusal, Scheme, Upstream, Wakes, limit};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, UPGRADE};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use hyper::upgrade::OnUpgrade;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

/// A response header by which an upstream may name the part of it that answered: for the access log, not for clients.
pub const X_SAM_COMPONENT: HeaderName = HeaderName::from_static("x-sam-component");

/// Bodies of API requests are JSON documents; files go to the object store, which has its own limit.
const BODY_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Bodies that do not go through the application but to a machine behind a tunnel are files.
const HELD_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// How an edge behaves. The default serves any host name over plain HTTP and has no object store.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    /// Host names that are served; others get 421.
    pub host_names: HostNames,
    /// How clients reach the edge.
    pub scheme: Scheme,
    /// Larger request bodies get 413.
    pub body_bytes_max: u64,
    /// Larger request bodies of `application/octet-stream` get 413, where tunnels are served.
    pub held_bytes_max: u64,
    /// Limits of held streams and long-polls.
    pub holds: HoldLimits,
    /// Where wakes of responses go.
    pub wakes: Wakes,
    /// The object store, served under the path of its bucket.
    pub objects: Option<ObjectStore>,
    /// Tunnels of machines behind NAT, and what the application may forward to them.
    pub tunnels: Option<TunnelConfig>,
    /// Hosts whose content comes from behind a tunnel.
    pub proxy: Option<ProxyConfig>,
    /// Ends every hold, tunnel and switched connection when cancelled, so that a server can drain.
    pub shutdown: CancellationToken,
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            host_names: HostNames::any(),
            scheme: Scheme::Http,
            body_bytes_max: BODY_BYTES_MAX,
            held_bytes_max: HELD_BYTES_MAX,
            holds: HoldLimits::default(),
            wakes: Wakes::default(),
            objects: None,
            tunnels: None,
            proxy: None,
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
    held_bytes_max: u64,
    objects: Option<ObjectStore>,
    tunnels: Tunnels,
    acceptor: Option<Arc<Acceptor>>,
    proxy: Option<Proxy>,
    policy_sources: String,
    holder: Holder<U>,
    metrics: Arc<Metrics>,
}

impl<U: Upstream> Edge<U> {
    /// Puts an edge in front of `upstream`. One with tunnels starts tasks, so it must be made inside a tokio runtime.
    #[must_use]
    pub fn new(config: EdgeConfig, upstream: U) -> Self {
        let metrics = Arc::new(Metrics::default());
        let tunnels = Tunnels::default();
        let shutdown = config.shutdown;
        let acceptor = config.tunnels.map(|tunnel| {
            let acceptor = Acceptor::start(tunnel, tunnels.clone(), Arc::clone(&metrics), shutdown.clone());
            Arc::new(acceptor)
        });
        let proxy = config.proxy.map(|proxy| {
            let (metrics, shutdown) = (Arc::clone(&metrics), shutdown.clone());
            Proxy::new(proxy, config.scheme, tunnels.clone(), metrics, shutdown)
        });
        Self {
            shared: Arc::new(Shared {
                host_names: config.host_names,
                scheme: config.scheme,
                body_bytes_max: config.body_bytes_max,
                held_bytes_max: config.held_bytes_max,
                objects: config.objects,
                tunnels,
                acceptor,
                policy_sources: proxy.as_ref().map(Proxy::policy_sources).unwrap_or_default(),
                proxy,
                holder: Holder::new(upstream, config.wakes, config.holds, Arc::clone(&metrics), shutdown),
                metrics,
            }),
        }
    }

    /// What this edge counts.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.shared.metrics
    }

    /// The tunnels that are open.
    #[must_use]
    pub fn tunnels(&self) -> &Tunnels {
        &self.shared.tunnels
    }

    /// After shutdown: waits until all tunnels are closed and the application has heard it.
    pub async fn closed(&self) {
        if let Some(acceptor) = &self.shared.acceptor {
            acceptor.closed().await;
        }
    }

    /// Answers one request of the client at `address`, which the application finds as a [`SocketAddr`] among the request's
    /// extensions.
    pub async fn handle(&self, request: Request<Body>, address: Option<SocketAddr>) -> Response<Body> {
        let started = Instant::now();
        let request_id = Ulid::generate().to_string().to_ascii_lowercase();
        // A ULID is 26 letters and digits, lowercase as all our ids; the fallback is for the type checker.
        let id_value = HeaderValue::from_str(&request_id).unwrap_or(HeaderValue::from_static("-"));
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.shared.answer(request, &id_value, address).await;
        let (mut parts, body) = response.into_parts();
        let component = parts
            .headers
            .get(X_SAM_COMPONENT)
            .and_then(|name| name.to_str().ok())
            .map(str::to_owned);
        let announced = declared_length(&parts.headers).or(http_body::Body::size_hint(&body).exact());
        let demanded = parts.status == StatusCode::UPGRADE_REQUIRED;
        let foreign = parts.extensions.remove::<Foreign>().unwrap_or_default();
        if !foreign.is_verbatim {
            hygiene::finish_response(&mut parts.headers, &id_value, self.shared.scheme);
            hygiene::fill_policy(&mut parts.headers, &self.shared.policy_sources);
        }
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
            component: component.or_else(|| foreign.is_verbatim.then(|| "edge".to_owned())),
            tunnel: foreign.tunnel,
            started,
            metrics,
        };
        Response::from_parts(parts, Logged::new(body, announced, entry).boxed_unsync())
    }
}

impl<U: Upstream> Shared<U> {
    /// Finds who answers: a proxied host, a tunnel's door, or the application.
    async fn answer(
        &self,
        mut request: Request<Body>,
        request_id: &HeaderValue,
        address: Option<SocketAddr>,
    ) -> Response<Body> {
        let proxied = self
            .proxy
            .as_ref()
            .and_then(|proxy| Some((proxy, proxy.host(&request)?)));
        let names = if proxied.is_some() {
            &HostNames::any()
        } else {
            &self.host_names
        };
        if let Some(refusal) = check(names, &request) {
            return refusal;
        }
        if let Some((proxy, host)) = proxied {
            return proxy.handle(host, request, address).await;
        }
        let wants_upgrade = hygiene::demands_upgrade(request.headers());
        let acceptor = self
            .acceptor
            .as_ref()
            .filter(|acceptor| wants_upgrade && acceptor.serves(request.uri().path()));
        if wants_upgrade && acceptor.is_none() {
            let message = "This address serves no WebSocket or other upgrade.";
            return error_answer(StatusCode::UPGRADE_REQUIRED, "UPGRADE_NOT_SERVED", message);
        }
        // The handshake is read before hygiene takes it away.
        let switch = acceptor.map(|acceptor| (acceptor, acceptor.handshake(&request)));
        let upgrade = request.extensions_mut().remove::<OnUpgrade>();
        hygiene::clean_request(request.headers_mut());
        request.headers_mut().insert(X_REQUEST_ID, request_id.clone());
        if let Some(address) = address {
            request.extensions_mut().insert(address);
        }
        match switch {
            Some((acceptor, switch)) => {
                let client = address.map(|address| address.ip());
                Arc::clone(acceptor)
                    .accept(switch, upgrade, request, &self.holder, client)
                    .await
            }
            None => self.serve(request, address).await,
        }
    }

    async fn serve(&self, mut request: Request<Body>, address: Option<SocketAddr>) -> Response<Body> {
        if let Some(objects) = self
            .objects
            .as_ref()
            .filter(|objects| objects.serves(request.uri().path()))
        {
            return objects.handle(request).await;
        }
        let may_hold = self.acceptor.is_some();
        let is_held = may_hold && forward::is_held(request.headers());
        let bytes_max = if is_held {
            self.held_bytes_max
        } else {
            self.body_bytes_max
        };
        if declared_length(request.headers()).is_some_and(|length| length > bytes_max) {
            return too_large(bytes_max);
        }
        if let Some(target) = request.uri().authority().and(request.uri().path_and_query()).cloned() {
            *request.uri_mut() = Uri::from(target);
        }
        request
            .headers_mut()
            .insert(X_SAM_EDGE, HeaderValue::from_static("grip"));
        let (parts, body) = request.into_parts();
        let (body, over) = limit::limit(body, bytes_max);
        let request = Request::from_parts(parts, body);
        let client = address.map(|address| address.ip());
        let response = if may_hold {
            let (kept, request) = forward::keep(request);
            let response = self.holder.handle(request, client).await;
            if response.headers().contains_key(X_SAM_FORWARD) {
                forward::obey(&self.tunnels, &self.metrics, response, kept).await
            } else {
                response
            }
        } else {
            self.holder.handle(request, client).await
        };
        if over.happened() {
            too_large(bytes_max)
        } else {
            response
        }
    }
}

/// Refuses what no application should see.
fn check(host_names: &HostNames, request: &Request<Body>) -> Option<Response<Body>> {
    if let Err(refusal) = host_names.check(request.headers(), request.uri().authority()) {
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
    None
}

fn too_large(bytes_max: u64) -> Response<Body> {
    let message = format!("The request body is larger than {bytes_max} bytes.");
    error_answer(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", &message)
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
