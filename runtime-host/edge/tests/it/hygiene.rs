//! What crosses the edge and what does not.

use crate::client::{request, start};
use bytes::Bytes;
use futures::stream;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use sam_edge::serve::ServeLimits;
use sam_edge::{Body, EdgeConfig, HostNames, body};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Answers with the headers that it got, one a line, and says things that only an edge may hear.
async fn mirror(request: Request<Body>) -> Response<Body> {
    let mut lines: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    Response::builder()
        .header("x-sam-wake", "work:x")
        .header("grip-sig", "secret")
        .header("x-request-id", "guest")
        .body(body::full(lines.join("\n")))
        .unwrap()
}

#[tokio::test]
async fn forged_words_do_not_arrive_and_private_words_do_not_leave() {
    let server = start(EdgeConfig::default(), ServeLimits::default(), mirror).await;
    let forged = [
        ("x-sam-edge", "forged"),
        ("x-sam-wake", "work:evil"),
        ("spin-client-addr", "6.6.6.6"),
        ("x-request-id", "forged"),
        ("connection", "keep-alive, x-hop"),
        ("x-hop", "1"),
        ("x-forwarded-for", "6.6.6.6"),
        ("host", "localhost"),
        ("accept", "*/*"),
    ];
    let first = server.send(request("GET", "/", &forged)).await;
    let second = server.send(request("GET", "/", &[])).await;
    let id = first.headers["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(
        first.text(),
        format!("accept: */*\nhost: localhost\nx-request-id: {id}\nx-sam-edge: grip")
    );
    assert_eq!(id.len(), 26);
    assert_ne!(first.headers["x-request-id"], second.headers["x-request-id"]);
    assert_eq!(first.headers["x-content-type-options"], "nosniff");
    assert!(!first.headers.contains_key("x-sam-wake") && !first.headers.contains_key("grip-sig"));
    assert!(
        !first.headers.contains_key("strict-transport-security"),
        "no HSTS over plain HTTP"
    );
}

#[tokio::test]
async fn refusals_have_their_status_and_envelope() {
    let config = EdgeConfig {
        host_names: HostNames::loopback(),
        body_bytes_max: 4,
        ..EdgeConfig::default()
    };
    let server = start(config, ServeLimits::default(), mirror).await;
    let cases: &[(&str, &[(&str, &str)], StatusCode, &str)] = &[
        ("GET", &[("host", "localhost")], StatusCode::OK, ""),
        (
            "GET",
            &[("host", "rebound.example.net")],
            StatusCode::MISDIRECTED_REQUEST,
            "HOST_NOT_SERVED",
        ),
        ("GET", &[("host", "a@localhost")], StatusCode::BAD_REQUEST, "BAD_HOST"),
        (
            "GET",
            &[("upgrade", "websocket"), ("connection", "upgrade")],
            StatusCode::UPGRADE_REQUIRED,
            "UPGRADE_NOT_SERVED",
        ),
        ("OPTIONS", &[("host", "localhost")], StatusCode::OK, ""),
    ];
    for (method, headers, status, code) in cases {
        let reply = server.send(request(method, "/", headers)).await;
        assert_eq!(reply.status, *status, "{method} {headers:?}: {}", reply.text());
        assert!(reply.text().contains(code), "{}", reply.text());
        assert!(reply.headers.contains_key("x-request-id"));
    }
    let star = server.send(request("OPTIONS", "*", &[])).await;
    assert_eq!(star.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused_however_they_are_sent() {
    let reads = |request: Request<Body>| async {
        let read = request.into_body().collect().await;
        let status = if read.is_ok() {
            StatusCode::OK
        } else {
            StatusCode::INTERNAL_SERVER_ERROR
        };
        Response::builder().status(status).body(body::empty()).unwrap()
    };
    let config = EdgeConfig {
        body_bytes_max: 4,
        ..EdgeConfig::default()
    };
    let server = start(config, ServeLimits::default(), reads).await;
    for (bytes, expect) in [("four", StatusCode::OK), ("five!", StatusCode::PAYLOAD_TOO_LARGE)] {
        let declared = Request::post("/").body(Full::new(Bytes::from(bytes))).unwrap();
        assert_eq!(server.send(declared).await.status, expect, "declared {bytes}");

        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let head = "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
        let chunked = format!("{head}{:x}\r\n{bytes}\r\n0\r\n\r\n", bytes.len());
        socket.write_all(chunked.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {}", expect.as_u16())),
            "chunked {bytes}: {answer}"
        );
    }
}

#[tokio::test]
async fn missing_hosts_and_huge_heads_are_refused() {
    let limits = ServeLimits {
        head_bytes_max: 16 * 1024,
        ..ServeLimits::default()
    };
    let server = start(EdgeConfig::default(), limits, mirror).await;
    let huge = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
        "y".repeat(32 * 1024)
    );
    let cases = [
        ("GET / HTTP/1.1\r\nconnection: close\r\n\r\n", "400"),
        (
            "GET http://other/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
            "400",
        ),
        (
            "GET http://localhost/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
            "200",
        ),
        (huge.as_str(), "431"),
    ];
    for (text, status) in cases {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        socket.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The server may close with bytes of ours unread, which resets the connection after the answer.
        socket.read_to_end(&mut answer).await.ok();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{status} expected: {answer}"
        );
    }
}

#[tokio::test]
async fn a_streamed_answer_is_not_buffered() {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(Some(receiver)));
    let streams = move |_request| {
        let receiver = receiver.lock().unwrap().take().unwrap();
        let frames = stream::unfold(receiver, |mut receiver| async {
            receiver
                .recv()
                .await
                .map(|bytes| (Ok(http_body::Frame::data(bytes)), receiver))
        });
        async { Response::new(http_body_util::StreamBody::new(frames).boxed_unsync()) }
    };
    let server = start(EdgeConfig::default(), ServeLimits::default(), streams).await;
    let mut body = server.open(request("GET", "/", &[])).await.into_body();
    for text in ["one", "two"] {
        sender.send(text.into()).await.unwrap();
        crate::client::read_until(&mut body, text).await;
    }
}
