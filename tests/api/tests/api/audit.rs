//! The audit log: every change, by whom, sealed into a chain that the operator can check.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use sam_tests_api::{Client, Host, sam_host_command};
use serde_json::{Value, json};

use crate::people::{approved, text};

/// Waits until the newest row is sealed; sealing is a job that runs within a second.
async fn sealed(root: &Client) -> Result<Vec<Value>> {
    for _ in 0..100 {
        let page = root.get("/api/admin/audit?limit=200").await?.expect(200)?;
        let rows = page["items"].as_array().cloned().unwrap_or_default();
        if rows.iter().all(|row| row["sealed"] == true) {
            return Ok(rows);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("audit rows are not sealed within 10 s")
}

#[tokio::test]
async fn every_change_is_recorded_with_its_actor_and_outcome() -> Result<()> {
    let host = Host::start().await?;
    let root = host.first_user().await?;
    let root_id = text(&root.get("/api/auth/me").await?.expect(200)?, "/user/id")?;
    let (ada, ada_id) = approved(&host, &root, "Ada").await?;
    ada.post("/api/tokens", &json!({"name": "", "scopes": []}))
        .await?
        .expect(400)?;
    ada.get("/api/admin/audit").await?.expect(403)?;

    let rows = sealed(&root).await?;
    let find = |action: &str| {
        rows.iter()
            .find(|row| row["action"] == action)
            .with_context(|| format!("no {action} row"))
    };
    let approve = find("user.approve")?;
    assert_eq!(
        (&approve["actor_user_id"], &approve["outcome"]),
        (&json!(root_id), &json!("done"))
    );
    assert!(text(approve, "/target")?.contains(&ada_id), "{approve}");
    assert!(text(approve, "/request_id")?.len() >= 20, "{approve}");
    let refused = find("token.create")?;
    assert_eq!(
        (&refused["actor_user_id"], &refused["outcome"]),
        (&json!(ada_id), &json!("refused"))
    );
    find("auth.login")?;

    let only = root.get("/api/admin/audit?action=user.approve").await?.expect(200)?;
    assert_eq!(only["items"].as_array().map(Vec::len), Some(1));
    let first = root.get("/api/admin/audit?limit=1").await?.expect(200)?;
    let cursor = text(&first, "/next_cursor")?;
    let second = root
        .get(&format!("/api/admin/audit?limit=1&cursor={cursor}"))
        .await?
        .expect(200)?;
    assert!(second["items"][0]["seq"].as_i64() < first["items"][0]["seq"].as_i64());
    Ok(())
}

#[tokio::test]
async fn a_changed_row_breaks_the_chain() -> Result<()> {
    let host = Host::start().await?;
    if !host.is_sam_host() {
        return Ok(()); // `sam-host audit verify` reads sam-host's own data directory.
    }
    let root = host.first_user().await?;
    approved(&host, &root, "Ada").await?;
    sealed(&root).await?;
    let data = host.data_dir();
    let verify = async || -> Result<(bool, String)> {
        let out = sam_host_command()?
            .args(["audit", "verify", "--data-dir"])
            .arg(&data)
            .output()
            .await?;
        let said = [out.stdout, out.stderr].concat();
        Ok((out.status.success(), String::from_utf8_lossy(&said).into_owned()))
    };
    let (ok, said) = verify().await?;
    assert!(ok, "{said}");

    let database = rusqlite::Connection::open(data.join("sqlite/default.db"))?;
    let changed = database.execute(
        "UPDATE audit_log SET action = 'user.suspend' WHERE action = 'user.approve'",
        [],
    )?;
    assert_eq!(changed, 1);
    let (ok, said) = verify().await?;
    assert!(!ok, "a forged row passed: {said}");
    Ok(())
}
