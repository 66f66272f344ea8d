//! Connections to other servers: kept for the next request of the same component, and for nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use spin_host::{Limits, OutboundLimits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::harness::{App, guest, manifest, until};

/// What a server does with a connection after an answer.
#[derive(Clone, Copy)]
enum After {
    Keep,
    /// Closes without having announced it, as a server does that restarts.
    Close,
    /// Never ends the body.
    Stall,
}

/// A server that counts its connections. Answers wait for a permit.
struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    permits: Arc<Semaphore>,
}

impl Server {
    async fn start(after: After) -> Self {
        let server = Self::held(after).await;
        server.permits.add_permits(1_000);
        server
    }

    async fn held(after: After) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            connections: Arc::default(),
            closed: Arc::default(),
            requests: Arc::default(),
            permits: Arc::new(Semaphore::new(0)),
        };
        let (connections, closed) = (Arc::clone(&server.connections), Arc::clone(&server.closed));
        let (requests, permits) = (Arc::clone(&server.requests), Arc::clone(&server.permits));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, SeqCst);
                let (closed, requests, permits) = (Arc::clone(&closed), Arc::clone(&requests), Arc::clone(&permits));
                tokio::spawn(async move {
                    answer(stream, after, &requests, &permits).await;
                    closed.fetch_add(1, SeqCst);
                });
            }
        });
        server
    }

    fn seen(&self) -> (usize, usize) {
        (self.connections.load(SeqCst), self.requests.load(SeqCst))
    }

    fn grant(&self) -> String {
        format!("allowed_outbound_hosts = [\"{}\"]", self.url)
    }
}

async fn answer(mut stream: TcpStream, after: After, requests: &AtomicUsize, permits: &Semaphore) {
    // A GET fits one read.
    while stream.read(&mut [0; 4096]).await.is_ok_and(|bytes| bytes > 0) {
        requests.fetch_add(1, SeqCst);
        permits.acquire().await.unwrap().forget();
        let length = if matches!(after, After::Stall) { 5 } else { 4 };
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\npong");
        stream.write_all(answer.as_bytes()).await.unwrap();
        if matches!(after, After::Close) {
            return;
        }
    }
}

fn outbound(outbound: OutboundLimits) -> Limits {
    Limits {
        outbound,
        ..Limits::default()
    }
}

async fn fetch(app: &App, path: &str, server: &Server) {
    app.get_with(path, &[("x-url", &server.url)])
        .await
        .assert(200, "200 pong");
}

/// The host may see the end of the body later than the guest; only then the connection is kept.
async fn fetch_and_keep(app: &App, component: &str, server: &Server) {
    fetch(app, &format!("/{component}"), server).await;
    let kept = format!("spin_outbound_connections_kept{{component=\"{component}\"}}");
    until("the connection is kept", || app.metric(&kept) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_the_next_request_of_the_same_component_only() {
    let server = Server::start(After::Keep).await;
    let mut text = manifest("", &[guest("fetch").with(&server.grant())]);
    text.push_str(&format!(
        "[[trigger.http]]\nroute = \"/other/...\"\ncomponent = \"other\"\n[component.other]\nsource = \
         \"guests/fetch.wasm\"\n{}\n",
        server.grant()
    ));
    let app = App::start_manifest(&text, Limits::default(), &[]).await;
    for _ in 0..5 {
        fetch_and_keep(&app, "fetch", &server).await;
    }
    assert_eq!(server.seen(), (1, 5));
    for _ in 0..5 {
        fetch_and_keep(&app, "other", &server).await;
    }
    assert_eq!(
        server.seen(),
        (2, 10),
        "the other component has a connection of its own"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_server_closed_is_not_used_again() {
    let server = Server::start(After::Close).await;
    let app = App::start(&[guest("fetch").with(&server.grant())]).await;
    for times in 1..=5 {
        fetch(&app, "/fetch", &server).await;
        until("the server has closed", || server.closed.load(SeqCst) == times).await;
    }
    assert_eq!(server.seen(), (5, 5), "each request was sent once");
}

#[tokio::test(flavor = "multi_thread")]
async fn free_connections_are_closed_after_their_time() {
    let server = Server::start(After::Keep).await;
    let brief = outbound(OutboundLimits {
        idle_connection_timeout: Duration::from_millis(1),
        ..OutboundLimits::default()
    });
    let app = App::start_with(&[guest("fetch").with(&server.grant())], brief).await;
    fetch_and_keep(&app, "fetch", &server).await;
    until("the free connection is closed", || server.closed.load(SeqCst) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_are_kept_than_the_limit() {
    let server = Server::held(After::Keep).await;
    let few = outbound(OutboundLimits {
        idle_connections_max: 2,
        ..OutboundLimits::default()
    });
    let app = App::start_with(&[guest("fetch").with(&server.grant())], few).await;
    let headers = [("x-url", server.url.as_str())];
    let (answer, ()) = tokio::join!(app.get_with("/fetch?times=5", &headers), async {
        until("all five are asked", || server.seen() == (5, 5)).await;
        server.permits.add_permits(5);
    });
    answer.assert(200, &["200 pong"; 5].join("\n"));
    until("three are closed", || server.closed.load(SeqCst) == 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_flight_are_limited() {
    let server = Server::held(After::Keep).await;
    let few = outbound(OutboundLimits {
        connections_max: 2,
        connect_timeout: Duration::from_secs(10),
        ..OutboundLimits::default()
    });
    let app = App::start_with(&[guest("fetch").with(&server.grant())], few).await;
    let headers = [("x-url", server.url.as_str())];
    let (answer, most) = tokio::join!(app.get_with("/fetch?times=6", &headers), async {
        let mut most = 0;
        for answered in 0..6 {
            until("the next is asked", || server.requests.load(SeqCst) > answered).await;
            most = most.max(server.requests.load(SeqCst) - answered);
            server.permits.add_permits(1);
        }
        most
    });
    answer.assert(200, &["200 pong"; 6].join("\n"));
    assert!(most <= 2, "{most} at once");

    // Nobody is answered any more: the first runs out of time, and the second never got a place.
    let impatient = outbound(OutboundLimits {
        connections_max: 1,
        connect_timeout: Duration::from_millis(50),
        first_byte_timeout: Duration::from_secs(2),
        ..OutboundLimits::default()
    });
    let app = App::start_with(&[guest("fetch").with(&server.grant())], impatient).await;
    let answer = app.get_with("/fetch?times=2", &headers).await;
    for error in ["ConnectionReadTimeout", "ConnectionLimitReached"] {
        assert!(answer.body.contains(error), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_falls_silent_ends_with_an_error() {
    let server = Server::start(After::Stall).await;
    let impatient = outbound(OutboundLimits {
        between_bytes_timeout: Duration::from_millis(100),
        ..OutboundLimits::default()
    });
    let app = App::start_with(&[guest("fetch").with(&server.grant())], impatient).await;
    let answer = app.get_with("/fetch", &[("x-url", &server.url)]).await;
    assert!(answer.body.contains("ConnectionReadTimeout"), "{answer:?}");
    until("its connection is closed", || server.closed.load(SeqCst) == 1).await;
}
