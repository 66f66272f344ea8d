//! Live events reach a client that waits, and a cursor misses nothing.

use std::time::Duration;

use anyhow::{Result, bail};
use sam_tests_api::Host;
use serde_json::json;

use crate::people::invited;

/// Reads a stream until `needle` is in it.
async fn until(response: &mut reqwest::Response, needle: &str) -> Result<String> {
    let mut seen = String::new();
    let wait = async {
        while let Some(piece) = response.chunk().await? {
            seen.push_str(&String::from_utf8_lossy(&piece));
            if seen.contains(needle) {
                return anyhow::Ok(());
            }
        }
        bail!("the stream ended")
    };
    match tokio::time::timeout(Duration::from_secs(20), wait).await {
        Ok(Ok(())) => Ok(seen),
        Ok(Err(error)) => bail!("{error}; no `{needle}` in: {seen}"),
        Err(_) => bail!("no `{needle}` within 20 s in: {seen}"),
    }
}

#[tokio::test]
async fn an_open_stream_hears_of_a_change() -> Result<()> {
    let host = Host::start().await?;
    let root = host.first_user().await?;
    let mut stream = root.stream("/api/events").await?;
    assert_eq!(stream.status(), 200);
    let (_, id) = invited(&host, &root, "Ada").await?;
    root.post(&format!("/api/admin/users/{id}/approve"), &json!({}))
        .await?
        .expect(200)?;
    let seen = until(&mut stream, "user.approved").await?;

    // The same again from a cursor: nothing before it, everything after it.
    let last = seen
        .lines()
        .filter_map(|line| line.strip_prefix("id:"))
        .next_back()
        .unwrap_or("0")
        .trim()
        .to_owned();
    let mut resumed = root.stream(&format!("/api/events?after={last}")).await?;
    root.post(&format!("/api/admin/users/{id}/suspend"), &json!({}))
        .await?
        .expect(200)?;
    let seen = until(&mut resumed, "user.suspended").await?;
    assert!(!seen.contains("user.approved"), "{seen}");
    Ok(())
}

#[tokio::test]
async fn a_stream_belongs_to_somebody() -> Result<()> {
    let host = Host::start().await?;
    assert_eq!(host.client().stream("/api/events").await?.status(), 401);
    Ok(())
}
