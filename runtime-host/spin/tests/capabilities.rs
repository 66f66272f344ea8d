//! What guests see of `spin:sqlite`, `spin:key-value` and `spin:variables`: real components in the real host.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write;
use std::path::{Path, PathBuf};

use http_body_util::{BodyExt, Full};
use spin_host::{Body, Host};

fn guest(name: &str) -> PathBuf {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/wasm32-wasip2/release/examples/{name}.wasm"));
    assert!(
        path.exists(),
        "{} is missing: run `cargo xtask test`, which builds the guests",
        path.display()
    );
    path
}

/// A host whose only component is the guest `name`, with `grants` in its manifest.
async fn host(dir: &Path, name: &str, grants: &str) -> Host {
    let mut manifest =
        String::from("spin_manifest_version = 2\n[application]\nname = \"test\"\n[[trigger.http]]\nroute = \"/...\"\n");
    write!(
        manifest,
        "component = \"guest\"\n[component.guest]\nsource = \"guest.wasm\"\n{grants}\n"
    )
    .unwrap();
    std::fs::copy(guest(name), dir.join("guest.wasm")).unwrap();
    let path = dir.join("spin.toml");
    std::fs::write(&path, manifest).unwrap();
    Host::builder(path).state_dir(dir.join("state")).build().await.unwrap()
}

async fn ask(host: &Host, headers: &[(&str, &str)], body: &str) -> String {
    let mut request = http::Request::post("http://localhost/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Full::new(bytes::Bytes::copy_from_slice(body.as_bytes())).map_err(|never| match never {});
    let response = host.handle(request.body(Body::new(body)).unwrap()).await;
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    String::from_utf8(body.to_vec()).unwrap()
}

/// Pairs of what is sent and what comes back, each a line.
async fn play(host: &Host, headers: &[(&str, &str)], steps: &[(&str, &str)]) {
    let sent: Vec<&str> = steps.iter().map(|(sent, _)| *sent).collect();
    let answer = ask(host, headers, &sent.join("\n")).await;
    for ((sent, expect), got) in steps.iter().zip(answer.lines()) {
        assert_eq!(got, *expect, "{sent}");
    }
    assert_eq!(answer.lines().count(), steps.len(), "{answer}");
}

#[tokio::test]
async fn sqlite_both_ways() {
    for way in ["async", "sync"] {
        let dir = tempfile::tempdir().unwrap();
        let host = host(dir.path(), "statements", "sqlite_databases = [\"default\"]").await;
        let steps = [
            (
                "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b REAL, c BLOB)",
                ": ",
            ),
            (
                "INSERT INTO t (a, b, c) VALUES ('é', 1.5, x'0102'), ('y', NULL, NULL) RETURNING id, a",
                "id a: 1 é | 2 y",
            ),
            ("!changes", "2"),
            ("!rowid", "2"),
            ("SELECT * FROM t", "id a b c: 1 é 1.5 [1, 2] | 2 y null null"),
            ("SELECT * FROM t WHERE id = 9", "id a b c: "),
            (
                "INSERT INTO t (a) VALUES ('y')",
                "Error::Io(\"UNIQUE constraint failed: t.a\")",
            ),
            ("SELEC", "Error::Io(\"near \\\"SELEC\\\": syntax error\")"),
            (
                "ATTACH 'x' AS y",
                "Error::Io(\"ATTACH and DETACH are not allowed: a guest reaches only its own databases\")",
            ),
            ("BEGIN", ": "),
            ("DELETE FROM t", ": "),
            ("ROLLBACK", ": "),
            ("SELECT count(*) FROM t", "count(*): 2"),
            ("PRAGMA journal_mode=WAL", "journal_mode: wal"),
        ];
        play(&host, &[("x-way", way)], &steps).await;
    }
}

#[tokio::test]
async fn large_results_are_streamed() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path(), "statements", "sqlite_databases = [\"default\"]").await;
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 40000) SELECT i, hex(zeroblob(200)) FROM n";
    // Two on one connection: the first does not block the second. Then an error in the middle of a stream.
    let broken = format!(
        "SELECT abs(CASE WHEN i = 39000 THEN -9223372036854775808 ELSE i END), x FROM ({})",
        rows.replace("SELECT i, hex(zeroblob(200))", "SELECT i, hex(zeroblob(200)) AS x")
    );
    play(
        &host,
        &[("x-way", "count")],
        &[
            (rows, "40000"),
            (rows, "40000"),
            (&broken, "Error::Io(\"integer overflow\")"),
        ],
    )
    .await;
}

#[tokio::test]
async fn key_values() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path(), "keys", "key_value_stores = [\"default\"]").await;
    let mut steps = vec![
        ("get a", "none"),
        ("set a 1", "ok"),
        ("set b 2", "ok"),
        ("set a 3", "ok"),
        ("get a", "3"),
        ("exists b", "true"),
        ("keys", "a b"),
        ("delete b", "ok"),
        ("delete b", "ok"),
        ("exists b", "false"),
        ("keys", "a"),
    ];
    // One handle is open already.
    steps.extend([("open", "ok"); 63]);
    steps.push(("open", "Error::StoreTableFull"));
    play(&host, &[], &steps).await;
    // Handles end with their request, values stay.
    play(&host, &[], &[("open", "ok"), ("get a", "3")]).await;
}

#[tokio::test]
async fn what_is_not_granted_is_denied() {
    let dir = tempfile::tempdir().unwrap();
    let databases = host(dir.path(), "databases", "sqlite_databases = [\"default\"]").await;
    for (label, expect) in [
        ("default", "opened"),
        ("other", "Error::AccessDenied"),
        ("", "Error::AccessDenied"),
    ] {
        assert_eq!(
            ask(&databases, &[("x-label", label)], "").await,
            expect,
            "database {label}"
        );
    }
    let dir = tempfile::tempdir().unwrap();
    let stores = host(dir.path(), "stores", "key_value_stores = [\"cache\"]").await;
    for (label, expect) in [("cache", "opened"), ("default", "Error::AccessDenied")] {
        assert_eq!(ask(&stores, &[("x-label", label)], "").await, expect, "store {label}");
    }
}

#[tokio::test]
async fn variables() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(
        dir.path(),
        "variables",
        "[component.guest.variables]\ngreeting = \"hello\"",
    )
    .await;
    for (name, expect) in [
        ("greeting", "hello"),
        ("absent", "Error::Undefined(\"absent\")"),
        (
            "Bad-Name",
            "Error::InvalidName(\"\\\"Bad-Name\\\": a name starts with a lowercase letter and goes on with lowercase letters, digits and single `_`\")",
        ),
    ] {
        assert_eq!(ask(&host, &[("x-name", name)], "").await, expect, "{name}");
    }
}
