//! What a guest may reach: only what its table in the manifest lists.

use spin_host::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::harness::{App, guest, manifest};

/// A server that answers every request with `pong`, after all of `together` requests have arrived.
async fn pong(together: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let mut streams = Vec::new();
            while streams.len() < together {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 4096]).await.unwrap();
                streams.push(stream);
            }
            for mut stream in streams {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\npong")
                    .await
                    .unwrap();
            }
        }
    });
    address.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn outbound_requests_need_a_grant() {
    let server = pong(1).await;
    let fetch = guest("fetch").with(&format!(r#"allowed_outbound_hosts = ["http://{server}"]"#));
    let app = App::start(&[fetch]).await;
    let other = pong(1).await;
    for (url, expect) in [
        (format!("http://{server}/"), "200 pong"),
        (format!("http://{other}/"), "ErrorCode::HttpRequestDenied"),
        (format!("https://{server}/"), "ErrorCode::HttpRequestDenied"),
        ("http://localhost/".to_owned(), "ErrorCode::HttpRequestDenied"),
        (
            "http://169.254.169.254/latest".to_owned(),
            "ErrorCode::HttpRequestDenied",
        ),
    ] {
        app.get_with("/fetch", &[("x-url", &url)]).await.assert(200, expect);
    }
    assert_eq!(
        app.metric(r#"spin_outbound_requests_total{component="fetch",outcome="denied"}"#),
        4
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn outbound_requests_run_concurrently() {
    let server = pong(6).await;
    let fetch = guest("fetch").with(&format!(r#"allowed_outbound_hosts = ["http://{server}"]"#));
    let app = App::start(&[fetch]).await;
    // The server answers none before it has all six.
    let answer = app
        .get_with("/fetch?times=6", &[("x-url", &format!("http://{server}/"))])
        .await;
    answer.assert(200, &["200 pong"; 6].join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_and_databases_need_a_grant() {
    let stores = guest("stores").with(r#"key_value_stores = ["default"]"#);
    let databases = guest("databases").with(r#"sqlite_databases = ["default"]"#);
    let app = App::start(&[stores, databases]).await;
    for (path, label, expect) in [
        ("/stores", "default", "opened"),
        ("/stores", "other", "Error::AccessDenied"),
        ("/databases", "default", "opened"),
        ("/databases", "other", "Error::AccessDenied"),
    ] {
        app.get_with(path, &[("x-label", label)]).await.assert(200, expect);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_come_from_the_embedder_or_the_default() {
    let head = "[variables]\nlevel = { default = \"calm\" }\nname = { required = true }\nunused = { default = \"x\" }";
    let variables =
        guest("variables").with("[component.variables.variables]\ngreeting = \"hello {{ name }}, {{ level }}\"");
    let app = App::start_manifest(&manifest(head, &[variables]), Limits::default(), &[("name", "Ada")]).await;
    app.get_with("/variables", &[("x-name", "greeting")])
        .await
        .assert(200, "hello Ada, calm");
    for undefined in ["name", "unused"] {
        let expect = format!("Error::Undefined(\"{undefined}\")");
        app.get_with("/variables", &[("x-name", undefined)])
            .await
            .assert(200, &expect);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_those_of_the_patterns_without_the_excluded() {
    for (table, seen) in [
        ("files = [\"assets/*\"]", true),
        ("files = [\"assets/**/*\"]\nexclude_files = [\"assets/gr*\"]", false),
        (
            "files = [{ source = \"assets/greeting.txt\", destination = \"/assets/greeting.txt\" }]",
            true,
        ),
        ("files = [\"spin.toml\"]", false),
    ] {
        let app = App::start(&[guest("surroundings").with(table)]).await;
        let body = app.get("/surroundings").await.body;
        let line = if seen {
            "file: Some(\"good morning\")"
        } else {
            "file: None"
        };
        assert!(body.contains(line), "{table}: {body}");
        for refused in ["outside: false", "write: false"] {
            assert!(body.contains(refused), "{table}: {body}");
        }
    }
}
