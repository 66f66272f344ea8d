//! A machine behind a tunnel answers in the application's stead.

use crate::client::{SOON, eventually, request};
use crate::world::{CHUNK, get, mirrored, settled, world, world_with};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use sam_edge::EdgeConfig;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

const MIB: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn the_machine_gets_the_applications_request_and_the_client_the_machines_answer() {
    let world = world().await;
    let _agent = world.agent("n1", 1).await;
    let headers = [
        ("cookie", "sam_session=s"),
        ("authorization", "Bearer t"),
        ("x-sam-forward", "n2"),
        ("if-match", "\"e0\""),
        ("accept", "text/plain"),
        ("content-type", "application/json"),
    ];
    let reply = world
        .server
        .send(request("POST", "/api/n1/teapot?path=a%20b", &headers))
        .await;
    assert_eq!(reply.status, StatusCode::IM_A_TEAPOT);
    let got = mirrored(&reply.text());
    assert_eq!(got[""], "POST /v1/teapot?path=a%20b");
    assert_eq!(
        got["body"], r#"{"from":"app"}"#,
        "the application's body, not the client's"
    );
    assert_eq!(got["content-type"], "application/json");
    assert_eq!(got["if-match"], "\"e0\"");
    assert_eq!(got["accept"], "text/plain");
    assert_eq!(got["x-request-id"], reply.headers["x-request-id"].to_str().unwrap());
    for gone in ["cookie", "authorization", "x-sam-forward", "x-sam-edge"] {
        assert!(!got.contains_key(gone), "{gone} is not for machines");
    }
    assert_eq!(reply.headers["content-type"], "text/html");
    assert_eq!(reply.headers["etag"], "\"e1\"");
    assert_eq!(reply.headers["content-disposition"], "attachment");
    assert_eq!(
        reply.headers["content-security-policy"],
        "default-src 'none'; sandbox; frame-ancestors 'none'"
    );
    assert_eq!(reply.headers["x-content-type-options"], "nosniff");
    for gone in [
        "set-cookie",
        "location",
        "x-theirs",
        "x-sam-forward",
        "x-sam-wake",
        "x-sam-component",
    ] {
        assert!(!reply.headers.contains_key(gone), "{gone} does not reach the client");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_tunnel_the_envelope_says_so() {
    let world = world().await;
    let reply = world.server.send(get("/api/n1/x")).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        reply.text().starts_with(r#"{"error":"NODE_UNREACHABLE","message":"#),
        "{}",
        reply.text()
    );
    assert_eq!(reply.headers["retry-after"], "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_are_held_at_the_edge_and_go_to_the_machine_alone() {
    let world = world().await;
    let agent = world.agent("n1", 1).await;
    let content = vec![7_u8; 20 * MIB];
    let put = |length: bool| {
        let chunks = content
            .chunks(CHUNK)
            .map(|chunk| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(chunk))));
        let chunks: Vec<_> = chunks.collect();
        let mut builder = Request::put("/api/n1/sink").header("content-type", "application/octet-stream");
        if length {
            builder = builder.header("content-length", content.len());
        }
        builder.body(StreamBody::new(futures::stream::iter(chunks))).unwrap()
    };
    for (length, held) in [(true, content.len().to_string()), (false, "stream".to_owned())] {
        agent.machine.received.store(0, Ordering::SeqCst);
        let response = world.server.open_any(put(length)).await;
        let text = response.into_body().collect().await.unwrap().to_bytes();
        assert!(text.starts_with(content.len().to_string().as_bytes()), "{text:?}");
        let (seen, received) = world.app.seen.lock().unwrap().clone();
        assert_eq!(
            (seen["x-sam-body-held"].to_str().unwrap(), received),
            (held.as_str(), 0)
        );
        assert!(!seen.contains_key("content-length"));
    }
    // A body of another kind goes to the application, up to its own limit.
    let json = request("POST", "/api/n1/sink", &[("content-type", "application/json")]).map(|_| Full::from("{}"));
    world.server.send(json).await;
    let (seen, received) = world.app.seen.lock().unwrap().clone();
    assert!(!seen.contains_key("x-sam-body-held") && received == 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn held_bodies_have_a_limit_of_their_own() {
    let world = world_with(|config: &mut EdgeConfig| {
        config.body_bytes_max = 4;
        config.held_bytes_max = 8;
    })
    .await;
    let _agent = world.agent("n1", 1).await;
    let send = |content_type: &str, body: &'static str| {
        let request = request("PUT", "/api/n1/sink", &[("content-type", content_type)]);
        world.server.send(request.map(|_| Full::from(body)))
    };
    assert_eq!(
        send("application/octet-stream", "12345678").await.status,
        StatusCode::OK
    );
    assert_eq!(
        send("application/octet-stream", "123456789").await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(
        send("application/json", "12345").await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_mebibytes_come_through_unchanged() {
    let world = world().await;
    let _agent = world.agent("n1", 1).await;
    let started = Instant::now();
    let reply = world
        .server
        .send_within(get(&format!("/api/n1/bytes?n={}", 64 * MIB)), 12 * SOON)
        .await;
    let took = started.elapsed();
    assert_eq!(reply.body.len(), 64 * MIB);
    assert!(
        reply
            .body
            .chunks(CHUNK)
            .all(|chunk| chunk.iter().enumerate().all(|(n, byte)| *byte == (n % 251) as u8))
    );
    eprintln!("64 MiB in {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_stops_the_machine_and_nobody_else() {
    let world = world().await;
    let agent = world.agent("n1", 1).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    let mut slow = socket.connect(world.server.address).await.unwrap();
    slow.write_all(b"GET /api/n1/endless HTTP/1.1\r\nhost: sam.test\r\n\r\n")
        .await
        .unwrap();
    let sent = || agent.machine.sent.load(Ordering::SeqCst);
    eventually("the answer to begin", || sent() > 0).await;
    let buffered = settled(sent).await;
    assert!(
        buffered < 8 * MIB,
        "{buffered} bytes were taken from the machine for nobody"
    );
    // Others share the tunnel and do not wait.
    assert_eq!(world.server.send(get("/api/n1/x")).await.status, StatusCode::OK);
    let mut bytes = vec![0; 2 * buffered];
    timeout(2 * SOON, slow.read_exact(&mut bytes))
        .await
        .expect("reading on sets it going again")
        .unwrap();
    // Gone is gone: the machine's answer ends.
    drop(slow);
    let stopped = settled(sent).await;
    assert!(stopped < buffered * 4 + 16 * MIB);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_does_not_read_stops_the_client() {
    let world = world().await;
    let agent = world.agent("n1", 1).await;
    let mut client = TcpStream::connect(world.server.address).await.unwrap();
    let head = "PUT /api/n1/lazy-sink HTTP/1.1\r\nhost: sam.test\r\ncontent-type: application/octet-stream\r\n\
                content-length: 67108864\r\nconnection: close\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let (counter, (mut reader, mut writer)) = (Arc::clone(&taken), client.into_split());
    let upload = tokio::spawn(async move {
        for _ in 0..1024 {
            writer.write_all(&[1; CHUNK]).await.unwrap();
            counter.fetch_add(CHUNK, Ordering::SeqCst);
        }
        writer
    });
    let buffered = settled(|| taken.load(Ordering::SeqCst)).await;
    assert!(
        buffered < 16 * MIB,
        "{buffered} bytes were taken from the client for nobody"
    );
    agent.machine.go_on.notify_one();
    let _writer = timeout(6 * SOON, upload)
        .await
        .expect("reading on sets it going again")
        .unwrap();
    let mut answer = String::new();
    timeout(SOON, reader.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert!(answer.ends_with("67108864"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_that_is_cut_aborts_the_answers_in_it() {
    let world = world().await;
    let agent = world.agent("n1", 1).await;
    let mut begun = world.server.open(get("/api/n1/endless")).await.into_body();
    begun.frame().await.unwrap().unwrap();
    let waiting = world.server.open(get("/api/n1/never"));
    let machine = agent.machine.clone();
    let (waiting, ()) = tokio::join!(waiting, async {
        eventually("the request to arrive", || Arc::strong_count(&machine.alive) > 1).await;
        agent.ended.abort();
    });
    assert_eq!(
        waiting.status(),
        StatusCode::SERVICE_UNAVAILABLE,
        "no head yet: an answer can still be given"
    );
    let broken = timeout(SOON, async {
        while let Some(frame) = begun.frame().await {
            if frame.is_err() {
                return true;
            }
        }
        false
    });
    assert!(broken.await.unwrap(), "a half answer must not look whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_its_request_on_the_machine() {
    let world = world().await;
    let agent = world.agent("n1", 1).await;
    let alive = || Arc::strong_count(&agent.machine.alive);
    let idle = alive();
    let mut client = TcpStream::connect(world.server.address).await.unwrap();
    client
        .write_all(b"GET /api/n1/never HTTP/1.1\r\nhost: sam.test\r\n\r\n")
        .await
        .unwrap();
    eventually("the request to arrive", || alive() > idle).await;
    drop(client);
    eventually("the request to end", || alive() == idle).await;
    // Nor does an exchange that ended well leave anything behind.
    world.server.send(get("/api/n1/x")).await;
    eventually("all streams to be closed", || world.server.tunnels.streams() == 0).await;
}
