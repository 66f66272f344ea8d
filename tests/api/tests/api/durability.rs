//! What was answered is there after `kill -9`.

use anyhow::Result;
use sam_tests_api::Host;
use serde_json::json;

use crate::people::{approved, text, token};

#[tokio::test]
async fn kill_and_restart_loses_nothing_that_was_answered() -> Result<()> {
    let host = Host::start().await?;
    let root = host.first_user().await?;
    let (ada, _) = approved(&host, &root, "Ada").await?;
    let (script, _) = token(&ada, &["read"]).await?;

    // Many writers, and the kill in the middle of them.
    let mut writers = Vec::new();
    for writer in 0..8 {
        let ada = ada.clone();
        writers.push(tokio::spawn(async move {
            let mut answered = Vec::new();
            for n in 0..6 {
                let body = json!({"name": format!("w{writer}-{n}"), "scopes": ["read"]});
                match ada.post("/api/tokens", &body).await {
                    Ok(answer) if answer.status == 201 => answered.push(text(&answer.expect(201)?, "/item/id")?),
                    _ => break,
                }
            }
            anyhow::Ok(answered)
        }));
    }
    tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    let host = host.kill_and_restart().await?;
    let mut answered = Vec::new();
    for writer in writers {
        answered.extend(writer.await??);
    }

    ada.get("/api/auth/me").await?.expect(200)?;
    let list = script.get("/api/tokens").await?.expect(200)?.to_string();
    let lost: Vec<_> = answered.iter().filter(|id| !list.contains(id.as_str())).collect();
    assert!(lost.is_empty(), "{} answered, lost {lost:?}", answered.len());
    drop(host);
    Ok(())
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused() -> Result<()> {
    let host = Host::start().await?;
    if !host.is_sam_host() {
        return Ok(());
    }
    let mut second = sam_tests_api::sam_host_command()?;
    second.args([
        "up",
        "--no-open",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
        "--manifest",
        "spin.toml",
    ]);
    second
        .current_dir(sam_tests_api::root())
        .arg("--data-dir")
        .arg(host.data_dir());
    let out = second.output().await?;
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(!out.status.success(), "two hosts on one data directory");
    assert!(
        said.contains("data directory") || said.contains("in use") || said.contains("lock"),
        "{said}"
    );
    host.client().get("/health").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn secrets_are_for_the_owner_only() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let host = Host::start().await?;
    if !host.is_sam_host() {
        return Ok(());
    }
    let mode = |path: std::path::PathBuf| -> Result<u32> { Ok(std::fs::metadata(path)?.permissions().mode() & 0o777) };
    assert_eq!(mode(host.data_dir().join("keys"))?, 0o700);
    for key in std::fs::read_dir(host.data_dir().join("keys"))? {
        let key = key?.path();
        assert_eq!(mode(key.clone())?, 0o600, "{}", key.display());
    }
    assert_eq!(mode(host.data_dir().join("sqlite/default.db"))?, 0o600);
    Ok(())
}
