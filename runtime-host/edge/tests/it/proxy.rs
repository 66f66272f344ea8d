//! Proxied hosts: who gets in, what gets through, and how it looks when nothing does.

use crate::client::{eventually, request};
use crate::world::{ORIGIN, World, mirrored, next, settled, world, world_with};
use futures::{SinkExt, StreamExt};
use http::StatusCode;
use http_body_util::Full;
use sam_edge::{EdgeConfig, Scheme};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;

const SITE: &str = "ws-01ab--3000.test";

async fn entered() -> World {
    let world = world().await;
    world.door.cookies.lock().unwrap().insert("good".to_owned());
    world
}

fn terminal(ticket: &str) -> [(&'static str, String); 2] {
    [
        ("origin", ORIGIN.to_owned()),
        ("sec-websocket-protocol", format!("sam.terminal.v1, ticket.{ticket}")),
    ]
}

fn refs<'a>(headers: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_opens_a_socket_once_and_stays_here() {
    let world = world().await;
    let _agent = world.agent("n1", 1).await;
    world.door.ticket("t1");
    let url = "ws://ws-01ab.test/terminals/t9";
    let mut headers = terminal("t1").to_vec();
    headers.push(("cookie", "sam_session=s; other=1".to_owned()));
    let mut socket = world.socket(url, &refs(&headers)).await.unwrap();
    assert_eq!(
        next(&mut socket).await.unwrap(),
        "/v1/socket/terminals/t9?mode=write sam.terminal.v1 cookie=None"
    );
    for size in [1, 125, 70_000, 1_000_000] {
        let sent = Message::binary(vec![7_u8; size]);
        socket.send(sent.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), sent);
    }
    socket.close(None).await.unwrap();

    let (status, body) = world.socket(url, &refs(&terminal("t1"))).await.unwrap_err();
    assert_eq!(status, StatusCode::UNAUTHORIZED, "used up: {body}");
    world.door.ticket("t2");
    for origin in ["http://evil.test", "http://ws-01ab--3000.test", "null"] {
        let mut headers = terminal("t2").to_vec();
        headers[0].1 = origin.to_owned();
        let (status, _) = world.socket(url, &refs(&headers)).await.unwrap_err();
        assert_eq!(status, StatusCode::FORBIDDEN, "{origin}");
    }
    let (status, _) = world.socket(url, &[("origin", ORIGIN)]).await.unwrap_err();
    assert_eq!(status, StatusCode::UNAUTHORIZED, "no ticket");
    assert!(
        world.door.tickets.lock().unwrap().contains("t2"),
        "refusals before the application use nothing up"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_ends_when_either_side_does() {
    let world = world().await;
    let agent = world.agent("n1", 1).await;
    let alive = std::sync::Arc::clone(&agent.machine.alive);
    let count = || std::sync::Arc::strong_count(&alive);
    let idle = count();
    for n in 0..2 {
        world.door.ticket(&format!("t{n}"));
    }
    let url = "ws://ws-01ab.test/terminals/t9";
    let mut gone = world.socket(url, &refs(&terminal("t0"))).await.unwrap();
    let mut stays = world.socket(url, &refs(&terminal("t1"))).await.unwrap();
    next(&mut gone).await.unwrap();
    next(&mut stays).await.unwrap();
    let both = count();
    drop(gone);
    eventually("the machine to notice", || count() < both).await;
    assert!(count() > idle);
    eventually("one stream to be left", || world.server.tunnels.streams() == 1).await;
    agent.ended.abort();
    assert_eq!(next(&mut stays).await, None, "the tunnel is gone, and so is the socket");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_becomes_a_cookie_and_a_cookie_lets_in() {
    let world = world().await;
    let _agent = world.agent("n1", 1).await;
    let page = [("host", SITE), ("accept", "text/html,*/*")];
    let before = world.server.send(request("GET", "/", &page)).await;
    assert_eq!(before.status, StatusCode::UNAUTHORIZED);
    assert!(
        before.text().contains("Open this port from SAM") && before.text().contains(ORIGIN),
        "{}",
        before.text()
    );
    assert_eq!(before.headers["cache-control"], "no-store");
    let data = world
        .server
        .send(request("GET", "/", &[("host", SITE), ("accept", "*/*")]))
        .await;
    assert!(
        data.text().contains("UNAUTHORIZED"),
        "programs get the envelope: {}",
        data.text()
    );

    world.door.ticket("t1");
    let enter = |origin: &str, form: &'static str| {
        let headers = [
            ("host", SITE),
            ("origin", origin),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        world
            .server
            .send(request("POST", "/.sam/enter", &headers).map(|_| Full::from(form)))
    };
    assert_eq!(
        enter("http://evil.test", "ticket=t1").await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(enter(ORIGIN, "tickets=t1").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(enter(ORIGIN, "ticket=wrong").await.status, StatusCode::UNAUTHORIZED);
    let let_in = enter(ORIGIN, "a=b&ticket=t1").await;
    assert_eq!(
        (let_in.status, &let_in.headers["location"]),
        (StatusCode::SEE_OTHER, &"/".parse().unwrap())
    );
    assert_eq!(
        let_in.headers["set-cookie"],
        "sam_port=entered; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"
    );
    assert_eq!(
        enter(ORIGIN, "ticket=t1").await.status,
        StatusCode::UNAUTHORIZED,
        "once"
    );

    let headers = [
        ("host", "ws-01ab--3000.test:8787"),
        ("cookie", "sam_port=entered; theme=dark; sam_session=s"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-sam-edge", "forged"),
        ("authorization", "Basic theirs"),
    ];
    let reply = world
        .server
        .send(request("PUT", "/a/b?c=d", &headers).map(|_| Full::from("hello")))
        .await;
    let got = mirrored(&reply.text());
    assert_eq!(got[""], "PUT /v1/port/a/b?c=d");
    assert_eq!(got["body"], "hello");
    assert_eq!(got["cookie"], "theme=dark");
    assert_eq!(got["authorization"], "Basic theirs", "the site's own");
    assert_eq!(got["host"], "ws-01ab--3000.test:8787");
    assert_eq!(got["x-forwarded-host"], "ws-01ab--3000.test:8787");
    assert_eq!(got["x-forwarded-proto"], "http");
    assert_eq!(got["x-forwarded-for"], "127.0.0.1");
    assert!(!got.contains_key("x-sam-edge"));
    // Their page, their headers; nothing of ours is added, nothing of theirs reaches another host.
    assert_eq!(reply.headers["content-security-policy"], "default-src *");
    assert_eq!(reply.headers["location"], "http://evil.test/");
    assert_eq!(reply.headers["x-theirs"], "1");
    for absent in [
        "x-content-type-options",
        "referrer-policy",
        "x-request-id",
        "x-sam-wake",
    ] {
        assert!(!reply.headers.contains_key(absent), "{absent}");
    }
    let cookies: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["sid=1; Path=/"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_cookie_is_forgotten_within_seconds() {
    let world = entered().await;
    let _agent = world.agent("n1", 1).await;
    let ask = || {
        world
            .server
            .send(request("GET", "/", &[("host", SITE), ("cookie", "sam_port=good")]))
    };
    for _ in 0..5 {
        assert_eq!(ask().await.status, StatusCode::OK);
    }
    assert_eq!(world.door.asked(), 1, "asked once for five requests");
    world.door.cookies.lock().unwrap().clear();
    let revoked = Instant::now();
    while ask().await.status == StatusCode::OK {
        assert!(revoked.elapsed() < Duration::from_secs(8), "still let in");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(world.door.asked() >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sites_cannot_use_the_cookie() {
    let world = entered().await;
    let _agent = world.agent("n1", 1).await;
    let cases: &[(&str, &[(&str, &str)], StatusCode)] = &[
        ("POST", &[("origin", "http://ws-01ab--3000.test")], StatusCode::OK),
        ("POST", &[("origin", "http://ws-01ab--8080.test")], StatusCode::OK),
        (
            "POST",
            &[("origin", "http://ws-77zz--3000.test")],
            StatusCode::FORBIDDEN,
        ),
        ("POST", &[("origin", "http://evil.test")], StatusCode::FORBIDDEN),
        ("POST", &[("origin", ORIGIN)], StatusCode::FORBIDDEN),
        ("GET", &[("origin", ORIGIN)], StatusCode::OK),
        ("GET", &[("origin", "null")], StatusCode::OK),
        ("POST", &[("origin", "null")], StatusCode::FORBIDDEN),
        (
            "POST",
            &[("origin", "null"), ("sec-fetch-site", "same-origin")],
            StatusCode::OK,
        ),
    ];
    for (method, headers, expect) in cases {
        let mut headers = headers.to_vec();
        headers.extend([("host", SITE), ("cookie", "sam_port=good")]);
        assert_eq!(
            world.server.send(request(method, "/", &headers)).await.status,
            *expect,
            "{method} {headers:?}"
        );
    }
    let url = format!("ws://{SITE}/hmr");
    let own = [
        ("origin", "http://ws-01ab--3000.test"),
        ("cookie", "sam_port=good; a=1"),
        ("sec-websocket-protocol", "vite-hmr"),
    ];
    let mut socket = world.socket(&url, &own).await.unwrap();
    assert_eq!(
        next(&mut socket).await.unwrap(),
        "/v1/port/hmr vite-hmr cookie=Some(\"a=1\")"
    );
    for origin in ["http://ws-77zz--3000.test", "null"] {
        let refused = [
            ("origin", origin),
            ("cookie", "sam_port=good"),
            ("sec-websocket-protocol", "vite-hmr"),
        ];
        assert_eq!(
            world.socket(&url, &refused).await.unwrap_err().0,
            StatusCode::FORBIDDEN,
            "{origin}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_say_what_is_wrong() {
    let world = entered().await;
    let page = |host: &'static str, path: &'static str| {
        let headers = [("host", host), ("cookie", "sam_port=good"), ("accept", "text/html")];
        world.server.send(request("GET", path, &headers))
    };
    let away = page(SITE, "/").await;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        away.text().contains("Reconnecting") && away.text().contains("http-equiv=\"refresh\""),
        "{}",
        away.text()
    );
    let data = world
        .server
        .send(request("GET", "/", &[("host", SITE), ("cookie", "sam_port=good")]))
        .await;
    assert!(data.text().contains("NODE_UNREACHABLE"), "{}", data.text());
    let _agent = world.agent("n1", 1).await;
    let closed = page(SITE, "/closed").await;
    assert_eq!(closed.status, StatusCode::BAD_GATEWAY);
    assert!(
        closed.text().contains("Nothing listens on port 3000"),
        "{}",
        closed.text()
    );
    let data = world
        .server
        .send(request(
            "GET",
            "/closed",
            &[("host", SITE), ("cookie", "sam_port=good")],
        ))
        .await;
    assert!(
        data.text().contains("PORT_CLOSED") && !data.headers.contains_key("x-sam-error"),
        "{}",
        data.text()
    );
    for host in ["ws-01ab.test", "ws-01ab--x.test"] {
        assert_eq!(page(host, "/").await.status, StatusCode::NOT_FOUND, "{host}");
    }
    // Everything else is the application's, and serves no upgrade. Its pages may reach the proxied hosts.
    let own = page("sam.test", "/page").await;
    assert_eq!(
        own.headers["content-security-policy"],
        "connect-src http://*.test:8787 ws://*.test:8787"
    );
    assert_eq!(page("sam.test", "/").await.text(), "app");
    let refused = world.socket("ws://sam.test/x", &[]).await.unwrap_err();
    assert_eq!(refused.0, StatusCode::UPGRADE_REQUIRED);
    let odd = [
        ("host", SITE),
        ("cookie", "sam_port=good"),
        ("origin", "http://ws-01ab--3000.test"),
        ("connection", "upgrade"),
        ("upgrade", "h3"),
    ];
    assert_eq!(
        world.server.send(request("GET", "/", &odd)).await.status,
        StatusCode::UPGRADE_REQUIRED
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn on_https_the_cookie_is_bound_to_its_host() {
    let world = world_with(|config: &mut EdgeConfig| config.scheme = Scheme::Https).await;
    let _agent = world.agent("n1", 1).await;
    world.door.ticket("t1");
    let headers = [("host", SITE), ("origin", ORIGIN)];
    let reply = world
        .server
        .send(request("POST", "/.sam/enter", &headers).map(|_| Full::from("ticket=t1")))
        .await;
    assert_eq!(
        reply.headers["set-cookie"],
        "__Host-sam_port=entered; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
    );
    let plain = world
        .server
        .send(request("GET", "/", &[("host", SITE), ("cookie", "sam_port=entered")]))
        .await;
    assert_eq!(plain.status, StatusCode::UNAUTHORIZED);
    let bound = world
        .server
        .send(request(
            "GET",
            "/",
            &[("host", SITE), ("cookie", "__Host-sam_port=entered")],
        ))
        .await;
    assert_eq!(mirrored(&bound.text())["x-forwarded-proto"], "https");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_a_site_that_stops_costs_little() {
    let world = entered().await;
    let agent = world.agent("n1", 1).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    let mut slow = socket.connect(world.server.address).await.unwrap();
    let head = format!("GET /endless HTTP/1.1\r\nhost: {SITE}\r\ncookie: sam_port=good\r\n\r\n");
    slow.write_all(head.as_bytes()).await.unwrap();
    let sent = || agent.machine.sent.load(Ordering::SeqCst);
    eventually("the answer to begin", || sent() > 0).await;
    let buffered = settled(sent).await;
    assert!(
        buffered < 8 * 1024 * 1024,
        "{buffered} bytes were taken from the machine for nobody"
    );
}

/// The share of edge and tunnel in a terminal's echo. The bound is loose, for machines that do much else; the printed numbers are
/// what counts.
#[tokio::test(flavor = "multi_thread")]
async fn an_echo_is_quick() {
    let world = world().await;
    let _agent = world.agent("n1", 1).await;
    world.door.ticket("t1");
    let mut socket = world
        .socket("ws://ws-01ab.test/terminals/t9", &refs(&terminal("t1")))
        .await
        .unwrap();
    next(&mut socket).await.unwrap();
    let mut took = Vec::new();
    for _ in 0..500 {
        let started = Instant::now();
        socket.send(Message::binary(vec![b'x'])).await.unwrap();
        socket.next().await.unwrap().unwrap();
        took.push(started.elapsed());
    }
    took.sort_unstable();
    eprintln!("echo through edge and tunnel: p50 {:?}, p99 {:?}", took[250], took[495]);
    assert!(took[250] < Duration::from_millis(20), "p50 {:?}", took[250]);
}
