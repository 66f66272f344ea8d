//! A server on a free port and a plain HTTP client for it.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use sam_edge::serve::{ServeLimits, serve};
use sam_edge::{Edge, EdgeConfig, Tunnels, Upstream};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Nothing in these tests takes longer, unless it is broken.
pub(crate) const SOON: Duration = Duration::from_secs(5);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) served: JoinHandle<bool>,
    pub(crate) tunnels: Tunnels,
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Starts an edge in front of `upstream` on a free port.
pub(crate) async fn start(config: EdgeConfig, limits: ServeLimits, upstream: impl Upstream) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = config.shutdown.clone();
    let edge = Edge::new(config, upstream);
    let tunnels = edge.tunnels().clone();
    let service = move |request, client| {
        let edge = edge.clone();
        async move { edge.handle(request, Some(client)).await }
    };
    let served = tokio::spawn(serve(listener, service, limits, shutdown.clone()));
    Server {
        address,
        shutdown,
        served,
        tunnels,
    }
}

impl Server {
    /// Sends a request and returns its response as it begins.
    pub(crate) async fn open(&self, request: Request<Full<Bytes>>) -> http::Response<Incoming> {
        self.open_any(request).await
    }

    /// Sends a request with any kind of body and returns its response as it begins.
    pub(crate) async fn open_any<B>(&self, request: Request<B>) -> http::Response<Incoming>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<sam_edge::BoxError>,
    {
        let (mut parts, body) = request.into_parts();
        if !parts.headers.contains_key("host") {
            parts.headers.insert("host", self.address.to_string().parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(async move { connection.await.ok() });
        let response = sender.send_request(Request::from_parts(parts, body));
        timeout(SOON, response)
            .await
            .expect("the response begins soon")
            .unwrap()
    }

    /// Sends a request and reads its whole response.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        self.send_within(request, SOON).await
    }

    /// Sends a request whose response may take its time.
    pub(crate) async fn send_within(&self, request: Request<Full<Bytes>>, patience: Duration) -> Reply {
        let (parts, body) = self.open(request).await.into_parts();
        let body = timeout(patience, body.collect())
            .await
            .expect("the body ends soon")
            .unwrap()
            .to_bytes();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }
}

/// A request without a body.
pub(crate) fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let mut builder = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Full::default()).unwrap()
}

/// Reads a streamed body until it contains `text`.
pub(crate) async fn read_until(body: &mut Incoming, text: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(text) {
        let frame = timeout(SOON, body.frame()).await;
        let frame = frame.unwrap_or_else(|_| panic!("waited for {text:?}, got {seen:?}"));
        let data = frame
            .unwrap_or_else(|| panic!("ended before {text:?}, got {seen:?}"))
            .unwrap();
        seen.push_str(std::str::from_utf8(data.data_ref().unwrap()).unwrap());
    }
    seen
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let waited = timeout(SOON, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited for: {what}"));
}
