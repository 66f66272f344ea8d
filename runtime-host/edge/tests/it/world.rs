//! An application, a machine behind a tunnel and clients of both, over real sockets.

use crate::client::{SOON, Server, eventually, start};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, SinkExt, StreamExt};
use http::header::HeaderMap;
use http::{Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use sam_edge::gate::{AdmitError, Ask, Credential, Gate, Pass, PassCookie, SharedGate, TunnelChange};
use sam_edge::serve::ServeLimits;
use sam_edge::{Body, EdgeConfig, ProxyConfig, TunnelConfig, Upstream, body};
use sam_tunnel::{ConnectError, Dial, Ended, Liveness, Traffic, connect, handshake, serve};
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

pub(crate) const CHUNK: usize = 64 * 1024;
pub(crate) const ORIGIN: &str = "http://sam.test";

/// The application: lets tunnels in and forwards `/api/<tunnel>/<rest>`.
#[derive(Clone, Default)]
pub(crate) struct App {
    /// The headers of the latest request, and how many bytes of body it had.
    pub(crate) seen: Arc<Mutex<(HeaderMap, usize)>>,
}

impl Upstream for App {
    async fn call(&self, request: Request<Body>) -> Response<Body> {
        let (parts, received) = request.into_parts();
        let received = received.collect().await.map_or(0, |body| body.to_bytes().len());
        *self.seen.lock().unwrap() = (parts.headers.clone(), received);
        let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        if path == "/tunnel" {
            let shown = parts
                .headers
                .get("authorization")
                .map_or("", |value| value.to_str().unwrap());
            return match shown.strip_prefix("Bearer ") {
                Some(named) => Response::builder()
                    .status(204)
                    .header("x-sam-tunnel", named)
                    .body(body::empty())
                    .unwrap(),
                None => Response::builder()
                    .status(401)
                    .body(body::full("who are you?"))
                    .unwrap(),
            };
        }
        let Some((tunnel, rest)) = path.strip_prefix("/api/").and_then(|rest| rest.split_once('/')) else {
            let policy = "connect-src proxied:";
            return Response::builder()
                .header("content-security-policy", policy)
                .body(body::full("app"))
                .unwrap();
        };
        Response::builder()
            .header("x-sam-forward", tunnel)
            .header("x-sam-forward-target", format!("{} /v1/{rest}?{query}", parts.method))
            .header("x-sam-component", "files")
            .header("content-type", "application/json")
            .header("set-cookie", "app=1")
            .body(body::full(r#"{"from":"app"}"#))
            .unwrap()
    }
}

/// Tickets and cookies, and what was heard of tunnels.
#[derive(Clone, Default)]
pub(crate) struct Door {
    pub(crate) tickets: Arc<Mutex<HashSet<String>>>,
    pub(crate) cookies: Arc<Mutex<HashSet<String>>>,
    pub(crate) asked: Arc<Mutex<Vec<(String, String)>>>,
    pub(crate) heard: Arc<Mutex<Vec<TunnelChange>>>,
    /// So many changes are not heard at first.
    pub(crate) deaf: Arc<AtomicUsize>,
}

impl Door {
    pub(crate) fn ticket(&self, ticket: &str) {
        self.tickets.lock().unwrap().insert(ticket.to_owned());
    }

    pub(crate) fn heard(&self) -> Vec<(String, i64, bool)> {
        let heard = self.heard.lock().unwrap();
        heard
            .iter()
            .map(|change| (change.name.clone(), change.epoch, change.is_open))
            .collect()
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Gate for Door {
    fn admit(&self, ask: Ask) -> BoxFuture<'static, Result<Pass, AdmitError>> {
        self.asked.lock().unwrap().push((ask.label.clone(), ask.path.clone()));
        let is_site = ask.label.contains("--");
        let known = match &ask.credential {
            Credential::Ticket(ticket) => self.tickets.lock().unwrap().remove(ticket),
            Credential::Cookie(cookie) => is_site && self.cookies.lock().unwrap().contains(cookie),
        };
        let entered = is_site && known && matches!(ask.credential, Credential::Ticket(_));
        if entered {
            self.cookies.lock().unwrap().insert("entered".to_owned());
        }
        let pass = Pass {
            tunnel: "n1".to_owned(),
            target: if is_site {
                "/v1/port".to_owned()
            } else {
                format!("/v1/socket{}?mode=write", ask.path)
            },
            cookie: entered.then(|| PassCookie {
                value: "entered".to_owned(),
                max_age_s: 60,
            }),
        };
        async move { if known { Ok(pass) } else { Err(AdmitError::Refused) } }.boxed()
    }

    fn tunnel_changed(&self, change: TunnelChange) -> BoxFuture<'static, bool> {
        let hears = self
            .deaf
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
            .is_err();
        if hears {
            self.heard.lock().unwrap().push(change);
        }
        async move { hears }.boxed()
    }
}

/// What the machine behind the tunnel serves.
#[derive(Clone, Default)]
pub(crate) struct Machine {
    pub(crate) sent: Arc<AtomicUsize>,
    pub(crate) received: Arc<AtomicUsize>,
    /// Requests whose handler or answer is alive.
    pub(crate) alive: Arc<()>,
    pub(crate) go_on: Arc<Notify>,
}

impl Service<Request<Incoming>> for Machine {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let machine = self.clone();
        async move { Ok(machine.answer(request).await) }.boxed()
    }
}

impl Machine {
    async fn answer(self, mut request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        if handshake::is_wanted(request.headers()) {
            return self.switch(&mut request);
        }
        match path.as_str() {
            "/v1/bytes" => {
                let count: usize = request.uri().query().unwrap().trim_start_matches("n=").parse().unwrap();
                let mut response = Response::new(self.bytes(count));
                response
                    .headers_mut()
                    .insert("content-length", count.to_string().parse().unwrap());
                response
            }
            "/v1/endless" | "/v1/port/endless" => Response::new(self.bytes(usize::MAX)),
            "/v1/sink" => {
                let mut sum = 0_u64;
                let mut body = request.into_body();
                while let Some(Ok(frame)) = body.frame().await {
                    let data = frame.into_data().unwrap_or_default();
                    self.received.fetch_add(data.len(), Ordering::SeqCst);
                    sum = data
                        .iter()
                        .fold(sum, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
                }
                let received = self.received.load(Ordering::SeqCst);
                Response::new(body::full(format!("{received} {sum}")))
            }
            "/v1/lazy-sink" => {
                self.go_on.notified().await;
                let received = request
                    .into_body()
                    .collect()
                    .await
                    .map_or(0, |body| body.to_bytes().len());
                Response::new(body::full(received.to_string()))
            }
            "/v1/never" => {
                let _alive = Arc::clone(&self.alive);
                std::future::pending().await
            }
            "/v1/port/closed" => Response::builder()
                .status(502)
                .header("x-sam-error", "PORT_CLOSED")
                .header("content-type", "application/json")
                .body(body::full(r#"{"error":"PORT_CLOSED","message":"nothing listens"}"#))
                .unwrap(),
            _ => self.mirror(request).await,
        }
    }

    /// Says what it got, one header a line, and much that must not get through.
    async fn mirror(self, request: Request<Incoming>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        let mut lines: Vec<String> = parts
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        lines.insert(0, format!("{} {}", parts.method, parts.uri));
        lines.push(format!("body: {}", String::from_utf8_lossy(&body)));
        Response::builder()
            .status(if parts.uri.path() == "/v1/teapot" { 418 } else { 200 })
            .header("content-type", "text/html")
            .header("etag", "\"e1\"")
            .header("content-disposition", "attachment")
            .header("set-cookie", "sid=1; Domain=.test; Path=/")
            .header("set-cookie", "sam_session=stolen")
            .header("x-sam-wake", "work:evil")
            .header("location", "http://evil.test/")
            .header("x-theirs", "1")
            .header("content-security-policy", "default-src *")
            .body(body::full(lines.join("\n")))
            .unwrap()
    }

    fn bytes(self, count: usize) -> Body {
        let chunks = futures::stream::unfold((count, self, Arc::new(())), |(left, machine, alive)| async move {
            let size = left.min(CHUNK);
            if size == 0 {
                return None;
            }
            machine.sent.fetch_add(size, Ordering::SeqCst);
            let chunk: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            tokio::task::yield_now().await;
            Some((Ok(Frame::data(Bytes::from(chunk))), (left - size, machine, alive)))
        });
        StreamBody::new(chunks).boxed_unsync()
    }

    /// Echoes WebSocket messages; begins by saying the request line and the protocols that were offered.
    fn switch(self, request: &mut Request<Incoming>) -> Response<Body> {
        let offered = request
            .headers()
            .get("sec-websocket-protocol")
            .map_or("-", |value| value.to_str().unwrap());
        let hello = format!(
            "{} {offered} cookie={:?}",
            request.uri(),
            request.headers().get("cookie")
        );
        let protocol = if offered == "vite-hmr" {
            "vite-hmr"
        } else {
            "sam.terminal.v1"
        };
        let switch = handshake::answer(request.headers(), protocol).unwrap();
        let upgrade = hyper::upgrade::on(request);
        tokio::spawn(async move {
            let _alive = self.alive;
            let io = TokioIo::new(upgrade.await.unwrap());
            let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
            socket.send(Message::text(hello)).await.unwrap();
            while let Some(Ok(message)) = socket.next().await {
                if (message.is_binary() || message.is_text()) && socket.send(message).await.is_err() {
                    break;
                }
            }
        });
        switch.map(|()| body::empty())
    }
}

/// An edge with all of it.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) app: App,
    pub(crate) door: Door,
}

pub(crate) async fn world() -> World {
    world_with(|_| {}).await
}

pub(crate) async fn world_with(adjust: impl FnOnce(&mut EdgeConfig)) -> World {
    let (app, door) = (App::default(), Door::default());
    let gate = SharedGate::new(door.clone());
    let mut config = EdgeConfig {
        tunnels: Some(TunnelConfig::new("/tunnel", gate.clone())),
        proxy: Some(ProxyConfig::new("ws-", "test:8787", vec![ORIGIN.to_owned()], gate)),
        ..EdgeConfig::default()
    };
    adjust(&mut config);
    let server = start(config, ServeLimits::default(), app.clone()).await;
    World { server, app, door }
}

pub(crate) struct Agent {
    pub(crate) machine: Machine,
    pub(crate) shutdown: CancellationToken,
    pub(crate) ended: JoinHandle<Ended>,
}

impl World {
    pub(crate) async fn dial(&self, authorization: &str) -> Result<sam_tunnel::Socket, ConnectError> {
        dial(self.server.address, authorization).await
    }

    /// A machine with a tunnel of that name and epoch, once the application has heard of it.
    pub(crate) async fn agent(&self, name: &str, epoch: i64) -> Agent {
        let socket = self.dial(&format!("Bearer {name} {epoch}")).await.unwrap();
        let (machine, shutdown) = (Machine::default(), CancellationToken::new());
        let (service, token) = (machine.clone(), shutdown.clone());
        let ended = tokio::spawn(serve(socket, service, Liveness::agent(), Traffic::default(), token));
        let (door, name) = (self.door.clone(), name.to_owned());
        eventually("the tunnel to be heard of", || {
            door.heard().contains(&(name.clone(), epoch, true))
        })
        .await;
        Agent {
            machine,
            shutdown,
            ended,
        }
    }

    /// Opens a WebSocket to a host.
    pub(crate) async fn socket(
        &self,
        url: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<WebSocketStream<TcpStream>, (StatusCode, String)> {
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(self.server.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        match timeout(SOON, client_async(request, stream)).await.unwrap() {
            Ok((socket, _answer)) => Ok(socket),
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
                let body = answer.body().clone().unwrap_or_default();
                Err((answer.status(), String::from_utf8_lossy(&body).into_owned()))
            }
            Err(error) => panic!("{error}"),
        }
    }
}

impl Agent {
    pub(crate) async fn ended(self) -> Ended {
        timeout(SOON, self.ended).await.expect("the tunnel ends soon").unwrap()
    }
}

pub(crate) async fn dial(address: SocketAddr, authorization: &str) -> Result<sam_tunnel::Socket, ConnectError> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let dial = Dial {
        host: "sam.test".to_owned(),
        path: "/tunnel".to_owned(),
        authorization: authorization.to_owned(),
    };
    connect(stream, &dial).await
}

/// The next message, as text.
pub(crate) async fn next(socket: &mut WebSocketStream<TcpStream>) -> Option<String> {
    match timeout(SOON, socket.next()).await.expect("a message comes soon") {
        Some(Ok(message)) if !message.is_close() => Some(message.into_text().unwrap().to_string()),
        _ => None,
    }
}

/// Waits until a number that grows has stopped growing, and returns it.
pub(crate) async fn settled(count: impl Fn() -> usize) -> usize {
    let mut quiet = 0;
    let mut last = count();
    let waited = timeout(2 * SOON, async {
        while quiet < 10 {
            tokio::time::sleep(Duration::from_millis(30)).await;
            let now = count();
            quiet = if now == last { quiet + 1 } else { 0 };
            last = now;
        }
    });
    waited.await.expect("it stops growing");
    last
}

/// Lines of a mirrored request as a map; the request line is under the empty name.
pub(crate) fn mirrored(text: &str) -> HashMap<String, String> {
    let (first, rest) = text.split_once('\n').unwrap();
    let pairs = rest.lines().filter_map(|line| line.split_once(": "));
    let mut map: HashMap<String, String> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    map.insert(String::new(), first.to_owned());
    map
}

pub(crate) fn get(path: &str) -> Request<http_body_util::Full<Bytes>> {
    crate::client::request(Method::GET.as_str(), path, &[])
}
