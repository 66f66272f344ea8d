//! Sends the requests of one component over HTTP/1.1 connections that are kept for its next ones.
//!
//! **Each component has a client of its own**: no connection, no TLS session and no count is shared, so nothing that
//! one component does to a connection reaches another, and no server can tell by a connection that two components
//! belong together. Whether a request is allowed was decided before; here it is only sent.
//!
//! ```text
//! place ─▶ kept connection of (scheme, authority)? ──no──▶ name, TCP, TLS ─▶ request ─▶ head ─▶ body ─▶ kept, if it may be
//!            └─ the server had closed it, nothing was sent ─▶ a new one
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody};

use super::connect::Connector;
use super::pool::{Idle, Pool, Target};
use super::timed_body::TimedBody;
use crate::limits::OutboundLimits;

/// Taken off the time a server says it keeps a connection, so that a request does not cross its closing.
const KEEP_ALIVE_MARGIN: Duration = Duration::from_secs(1);

/// The HTTP client of one component; all its instances share it.
pub(crate) struct Client {
    connector: Connector,
    pool: Arc<Pool>,
    /// One place per request in flight.
    places: Arc<Semaphore>,
    limits: OutboundLimits,
}

impl Client {
    /// A client that reports in `kept` how many free connections it holds.
    pub(crate) fn new(limits: OutboundLimits, kept: Gauge) -> Self {
        Self {
            connector: Connector::default(),
            pool: Arc::new(Pool::new(limits.idle_connections_max, kept)),
            places: Arc::new(Semaphore::new(limits.connections_max)),
            limits,
        }
    }

    /// Sends `request`, whose URI has scheme and authority, and waits for the response head. The connection stays
    /// taken until the body has ended.
    pub(crate) async fn send(
        &self,
        request: Request<WasiBody>,
        asked: Option<RequestOptions>,
    ) -> Result<Response<WasiBody>> {
        let times = Times::new(asked.unwrap_or_default(), &self.limits);
        let target = Target::of(request.uri())?;
        let request = origin_form(request)?;
        let place = timeout(times.connect, Arc::clone(&self.places).acquire_owned())
            .await
            .ok()
            .and_then(std::result::Result::ok)
            .ok_or(Error::ConnectionLimitReached)?;

        let request = match self.pool.take(&target) {
            None => request,
            Some(sender) => match self.exchange(sender, request, &times).await {
                Ok(answered) => return Ok(self.finish(answered, target, place, &times)),
                // The server closed the connection before it took the request: nobody has seen it yet.
                Err(Failed::Unsent(request)) => request,
                Err(Failed::Sent(error)) => return Err(error),
            },
        };
        let connected = timeout(times.connect, self.connector.connect(&target));
        let sender = connected.await.map_err(|_| Error::ConnectionTimeout)??;
        match self.exchange(sender, request, &times).await {
            Ok(answered) => Ok(self.finish(answered, target, place, &times)),
            Err(Failed::Unsent(_)) => Err(Error::ConnectionTerminated),
            Err(Failed::Sent(error)) => Err(error),
        }
    }

    async fn exchange(
        &self,
        mut sender: SendRequest<WasiBody>,
        request: Request<WasiBody>,
        times: &Times,
    ) -> std::result::Result<Answered, Failed> {
        match timeout(times.first_byte, sender.try_send_request(request)).await {
            Ok(Ok(response)) => Ok(Answered { sender, response }),
            Ok(Err(mut failed)) => Err(match failed.take_message() {
                Some(request) => Failed::Unsent(request),
                None => Failed::Sent(failed.into_error().into()),
            }),
            Err(_) => Err(Failed::Sent(Error::ConnectionReadTimeout)),
        }
    }

    /// Hands the response over, and keeps the connection once it is free again.
    fn finish(
        &self,
        answered: Answered,
        target: Target,
        place: OwnedSemaphorePermit,
        times: &Times,
    ) -> Response<WasiBody> {
        let Answered { mut sender, response } = answered;
        let keep = keep_alive(response.headers(), self.limits.idle_connection_timeout);
        let pool = Arc::clone(&self.pool);
        tokio::spawn(async move {
            // Not before request and response bodies have ended; never if either broke off or the server said `close`.
            let free = sender.ready().await.is_ok();
            drop(place);
            if let Some(keep) = keep.filter(|_| free) {
                pool.keep(
                    target,
                    Idle {
                        sender,
                        until: Instant::now() + keep,
                    },
                );
            }
        });
        response.map(|body| TimedBody::new(body, times.between_bytes).boxed_unsync())
    }
}

struct Answered {
    sender: SendRequest<WasiBody>,
    response: Response<Incoming>,
}

enum Failed {
    /// Given back untouched.
    Unsent(Request<WasiBody>),
    Sent(Error),
}

/// How long each part may take: what the guest asks for, up to what the host allows.
struct Times {
    connect: Duration,
    first_byte: Duration,
    between_bytes: Duration,
}

impl Times {
    fn new(asked: RequestOptions, limits: &OutboundLimits) -> Self {
        let at_most = |asked: Option<Duration>, limit: Duration| asked.map_or(limit, |asked| asked.min(limit));
        Self {
            connect: at_most(asked.connect_timeout, limits.connect_timeout),
            first_byte: at_most(asked.first_byte_timeout, limits.first_byte_timeout),
            between_bytes: at_most(asked.between_bytes_timeout, limits.between_bytes_timeout),
        }
    }
}

/// The request line for a server that is no proxy: path and query only.
fn origin_form(mut request: Request<WasiBody>) -> Result<Request<WasiBody>> {
    let path = request.uri().path_and_query().cloned();
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = Some(path.unwrap_or(PathAndQuery::from_static("/")));
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)?;
    Ok(request)
}

/// How long to keep the connection of a response with these headers: not beyond what the server announces
/// (`Keep-Alive: timeout=5`); `None` to close it.
fn keep_alive(headers: &HeaderMap, limit: Duration) -> Option<Duration> {
    let announced = headers
        .get("keep-alive")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            let timeout = value.split(',').find_map(|part| part.trim().strip_prefix("timeout="))?;
            timeout.trim().parse().ok().map(Duration::from_secs)
        });
    let keep = announced.map_or(limit, |announced| {
        limit.min(announced.saturating_sub(KEEP_ALIVE_MARGIN))
    });
    (!keep.is_zero()).then_some(keep)
}

impl Target {
    /// Scheme, host and port of an absolute URI.
    fn of(uri: &Uri) -> Result<Self> {
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        let https = uri.scheme() != Some(&Scheme::HTTP);
        Ok(Self {
            https,
            // Without user information, which is no part of where to connect.
            host: authority.host().to_ascii_lowercase(),
            port: authority.port_u16().unwrap_or(if https { 443 } else { 80 }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_not_kept_beyond_what_its_server_announces() {
        let limit = Duration::from_secs(30);
        for (header, expect) in [
            (None, Some(30)),
            (Some("timeout=5"), Some(4)),
            (Some("max=100, timeout=5"), Some(4)),
            (Some("timeout=90"), Some(30)),
            (Some("timeout=1"), None),
            (Some("timeout=0"), None),
            (Some("timeout=soon"), Some(30)),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert("keep-alive", header.parse().unwrap());
            }
            assert_eq!(
                keep_alive(&headers, limit),
                expect.map(Duration::from_secs),
                "{header:?}"
            );
        }
        assert_eq!(keep_alive(&HeaderMap::new(), Duration::ZERO), None);
    }

    #[test]
    fn a_target_is_scheme_host_and_port() {
        let target = |uri: &str| Target::of(&uri.parse().unwrap()).unwrap();
        assert_eq!(target("http://Example.org/a"), target("http://u:p@example.org:80/b"));
        assert_eq!(target("https://example.org/"), target("https://example.org:443/"));
        assert_ne!(target("https://example.org:80/"), target("http://example.org:80/"));
        assert_ne!(target("http://example.org:81/"), target("http://example.org/"));
        assert_eq!(target("http://[::1]:8080/").host, "[::1]");
        assert!(Target::of(&Uri::from_static("/path")).is_err());
    }
}
