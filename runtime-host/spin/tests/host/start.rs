//! What is refused at start, all at once and by name.

use spin_host::Limits;

use crate::harness::{build, guest, manifest};

async fn refusal(head: &str, guests: &[crate::harness::Guest]) -> String {
    let (host, _dir) = build(&manifest(head, guests), Limits::default(), &[]).await;
    host.err().expect("the host started").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_are_listed_together() {
    let said = refusal(
        "",
        &[
            guest("asker"),
            guest("keeper"),
            guest("hello").with("files = [\"assets\"]"),
        ],
    )
    .await;
    for problem in [
        "component asker: imports test:secret/reader@0.1.0, which this host does not offer",
        "component keeper: is not an HTTP component",
        "component hello: files: \"assets\" is a folder; write \"assets/**/*\"",
    ] {
        assert!(said.contains(problem), "{problem} is missing in {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_variables_are_listed_together() {
    let head = "[variables]\nfirst = { required = true }\nsecond = { required = true }";
    let said = refusal(head, &[guest("hello")]).await;
    assert!(
        said.contains("no value for the required variables first, second"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_keys_and_bad_hosts_are_refused() {
    let said = refusal(
        "",
        &[guest("hello").with("allowed_outbound_hosts = [\"nonsense\"]\nsurprise = 1")],
    )
    .await;
    assert!(said.contains("surprise") && said.contains("nonsense"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_component_is_refused() {
    let text = manifest("", &[guest("hello")]).replace("hello.wasm", "hello.d");
    let (host, _dir) = build(&text, Limits::default(), &[]).await;
    let said = host.err().unwrap().to_string();
    assert!(said.contains("hello") && said.contains("component"), "{said}");
}
