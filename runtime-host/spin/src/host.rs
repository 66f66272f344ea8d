//! A running application: routes requests to components and waits for them at the end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{CONNECTION, HOST, HeaderName, HeaderValue, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{StatusCode, Uri};
use spin_host_manifest::Router;

use crate::answer;
use crate::body::Body;
use crate::builder::HostBuilder;
use crate::engine::TickingEngine;
use crate::metrics::Metrics;
use crate::runner::Runner;
use crate::scope::RequestScope;
use crate::spin_headers;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The authority of a request that names none, such as one of HTTP/1.0.
const DEFAULT_AUTHORITY: Authority = Authority::from_static("localhost");

/// A Spin application, started. Clones share it.
#[derive(Clone)]
pub struct Host {
    application: Arc<Application>,
}

pub(crate) struct Application {
    pub(crate) router: Arc<Router>,
    pub(crate) runners: HashMap<String, Arc<Runner>>,
    pub(crate) metrics: Metrics,
    pub(crate) header_bytes_max: usize,
    /// Interrupts busy guests as long as the application lives.
    pub(crate) _engine: TickingEngine,
}

impl Host {
    /// Starts the description of a host for the manifest (`spin.toml`) at `manifest`.
    pub fn builder(manifest: impl Into<std::path::PathBuf>) -> HostBuilder {
        HostBuilder::new(manifest.into())
    }

    pub(crate) fn new(application: Application) -> Self {
        Self {
            application: Arc::new(application),
        }
    }

    /// Answers a request by the component of its route. Never fails: 404 without a route, 413, 426, 431, 500, 503 and
    /// 504 come as the JSON envelope with the request id.
    ///
    /// The request's `x-request-id` names it in logs. A [`SocketAddr`](std::net::SocketAddr) among its extensions is
    /// what the guest learns as the client's address.
    pub async fn handle(&self, request: http::Request<Body>) -> http::Response<Body> {
        let started = Instant::now();
        let mut response = self.route(request).await;
        let took = format!("total;dur={:.3}", started.elapsed().as_secs_f64() * 1_000.0);
        if let Ok(took) = HeaderValue::try_from(took) {
            response.headers_mut().append(SERVER_TIMING, took);
        }
        response
    }

    /// Lets the component `id` answer, whatever its routes are: for the embedder's own calls.
    pub async fn handle_component(&self, id: &str, request: http::Request<Body>) -> http::Response<Body> {
        let scope = Arc::new(RequestScope::new(request.headers(), 0));
        let Some(runner) = self.application.runners.get(id) else {
            tracing::error!(
                component = id,
                request_id = scope.id(),
                "no trigger starts the component of a private call"
            );
            return not_found(&scope);
        };
        let (mut parts, body) = request.into_parts();
        spin_headers::drop_forged(&mut parts);
        parts.uri = absolute(&parts.uri, authority(&parts));
        runner.run(http::Request::from_parts(parts, body), scope).await
    }

    /// The ids of the components that run.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.application.runners.keys().map(String::as_str)
    }

    /// The id of the component whose route serves `path`, for an embedder's log.
    pub fn component_at(&self, path: &str) -> Option<&str> {
        let route = self.application.router.find(path)?;
        self.application
            .runners
            .get_key_value(route.component)
            .map(|(id, _)| id.as_str())
    }

    /// What the host has counted.
    pub fn metrics(&self) -> &Metrics {
        &self.application.metrics
    }

    /// Waits until no request, stream or work after a response is in progress; `false` if that took too long.
    ///
    /// Requests are still accepted: stop the listener first.
    pub async fn drain(&self, deadline: Duration) -> bool {
        let idle = async {
            // Work may call other components, so all must be seen idle in one pass.
            while !self.application.runners.values().all(|runner| runner.is_idle()) {
                for runner in self.application.runners.values() {
                    runner.idle().await;
                }
            }
        };
        tokio::time::timeout(deadline, idle).await.is_ok()
    }

    async fn route(&self, request: http::Request<Body>) -> http::Response<Body> {
        let scope = Arc::new(RequestScope::new(request.headers(), 0));
        let refusal = refuse_upgrade(&request, &scope).or_else(|| self.refuse_head(&request, &scope));
        if let Some(refusal) = refusal {
            return refusal;
        }
        let (mut parts, body) = request.into_parts();
        let uri = parts.uri.clone();
        let Some(route) = self.application.router.find(uri.path()) else {
            return not_found(&scope);
        };
        let Some(runner) = self.application.runners.get(route.component) else {
            return not_found(&scope);
        };
        let authority = authority(&parts);
        spin_headers::replace(&mut parts, authority.as_str(), &route);
        parts.uri = absolute(&uri, authority);
        runner.run(http::Request::from_parts(parts, body), scope).await
    }

    /// Headers are copied into the guest's memory, so what a server lets through is counted once more.
    fn refuse_head(&self, request: &http::Request<Body>, scope: &RequestScope) -> Option<http::Response<Body>> {
        let bytes_max = self.application.header_bytes_max;
        let bytes: usize = request
            .headers()
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        (bytes > bytes_max).then(|| {
            let message = format!("The request headers are longer than {bytes_max} bytes.");
            answer::error(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "HEADERS_TOO_LARGE",
                &message,
                scope.id(),
            )
        })
    }
}

fn not_found(scope: &RequestScope) -> http::Response<Body> {
    answer::error(
        StatusCode::NOT_FOUND,
        "NOT_FOUND",
        "There is nothing at this address.",
        scope.id(),
    )
}

/// Guests cannot upgrade a connection. Left alone the request would reach them as a plain one.
fn refuse_upgrade(request: &http::Request<Body>, scope: &RequestScope) -> Option<http::Response<Body>> {
    request.headers().get(UPGRADE)?;
    let mut response = answer::error(
        StatusCode::UPGRADE_REQUIRED,
        "UPGRADE_NOT_SERVED",
        "This address speaks HTTP/1.1 without upgrades.",
        scope.id(),
    );
    response
        .headers_mut()
        .insert(UPGRADE, HeaderValue::from_static("HTTP/1.1"));
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("upgrade"));
    Some(response)
}

fn authority(parts: &http::request::Parts) -> Authority {
    let host = parts
        .headers
        .get(HOST)
        .and_then(|host| Authority::try_from(host.as_bytes()).ok());
    host.or_else(|| parts.uri.authority().cloned())
        .unwrap_or(DEFAULT_AUTHORITY)
}

/// The URI as `wasi:http` wants it, with scheme and authority.
fn absolute(uri: &Uri, authority: Authority) -> Uri {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    parts.path_and_query = Some(uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/")));
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}
