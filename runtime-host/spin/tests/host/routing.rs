//! Which component answers, and what it learns about the request.

use spin_host::Limits;

use crate::harness::{Answer, App, guest};

#[tokio::test(flavor = "multi_thread")]
async fn routes_and_misses() {
    let app = App::start(&[guest("hello"), guest("slow").route("\"/hello/exact\"")]).await;
    for (path, status, body) in [
        ("/hello", 200, "hello"),
        ("/hello/", 200, "hello"),
        ("/hello/deep/er?q=1", 200, "hello"),
        ("/hello/exact", 200, "1"),
    ] {
        app.get(path).await.assert(status, body);
    }
    app.get("/").await.assert_error(404, "NOT_FOUND");
    app.get("/hell").await.assert_error(404, "NOT_FOUND");
    let answer = app.get("/hello").await;
    assert!(
        answer.headers["server-timing"]
            .to_str()
            .unwrap()
            .starts_with("total;dur="),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_learn_how_they_were_reached() {
    let app = App::start(&[guest("headers").route("\"/headers/:id/...\"")]).await;
    let answer = app
        .get_with(
            "/headers/7/rest?q=1",
            &[("spin-client-addr", "6.6.6.6:1"), ("x-own", "kept")],
        )
        .await;
    let lines: Vec<&str> = answer.body.lines().collect();
    let url = format!("spin-full-url: {}", app.url("/headers/7/rest?q=1"));
    for line in [
        "spin-path-info: /rest",
        "spin-path-match-id: 7",
        "spin-matched-route: /headers/:id/...",
        "x-own: kept",
        &url,
    ] {
        assert!(lines.contains(&line), "{line} is missing in {lines:#?}");
    }
    let clients: Vec<&&str> = lines
        .iter()
        .filter(|line| line.starts_with("spin-client-addr: "))
        .collect();
    assert!(
        clients.len() == 1 && clients[0].starts_with("spin-client-addr: 127.0.0.1:"),
        "{clients:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn private_components_answer_only_inside() {
    let fetch = guest("fetch")
        .with(r#"allowed_outbound_hosts = ["http://hello.spin.internal", "http://gone.spin.internal", "http://self"]"#);
    let app = App::start(&[fetch, guest("hello").route("{ private = true }"), guest("slow")]).await;
    app.get("/hello").await.assert_error(404, "NOT_FOUND");
    for (url, expect) in [
        ("http://hello.spin.internal/any", "200 hello"),
        ("http://self.alt/slow", "200 1"),
        ("http://gone.spin.internal/", "ErrorCode::DestinationNotFound"),
        ("http://slow.spin.internal/", "ErrorCode::HttpRequestDenied"),
    ] {
        app.get_with("/fetch", &[("x-url", url)]).await.assert(200, expect);
    }
    let request = http::Request::get("/").body(spin_host::body::empty()).unwrap();
    assert_eq!(app.host.handle_component("hello", request).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn components_calling_themselves_are_stopped() {
    let fetch = guest("fetch").with(r#"allowed_outbound_hosts = ["http://*.spin.internal"]"#);
    let app = App::start(&[fetch]).await;
    let limits = Limits::default();
    let answer = app
        .get_with("/fetch", &[("x-url", "http://fetch.spin.internal/fetch")])
        .await;
    let depth = usize::from(limits.chain_depth_max);
    answer.assert(200, &format!("{}ErrorCode::LoopDetected", "200 ".repeat(depth)));
}

#[tokio::test(flavor = "multi_thread")]
async fn upgrades_are_refused() {
    let app = App::start(&[guest("hello")]).await;
    let answer: Answer = app
        .get_with("/hello", &[("connection", "upgrade"), ("upgrade", "websocket")])
        .await;
    answer.assert_error(426, "UPGRADE_NOT_SERVED");
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_of_wasi_http_02_are_served() {
    let app = App::start(&[guest("wasi02")]).await;
    for n in 0..3 {
        app.get(&format!("/wasi02/{n}"))
            .await
            .assert(200, &format!("/wasi02/{n}"));
    }
    app.get("/wasi02/trap").await.assert_error(500, "INTERNAL");
    app.get("/wasi02/on").await.assert(200, "/wasi02/on");
}
