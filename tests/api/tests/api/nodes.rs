//! Machines that join, report, fall silent and go, with an agent that runs nothing.

use anyhow::{Context, Result};
use reqwest::Method;
use sam_tests_api::{Client, FakeAgent, Host};
use serde_json::{Value, json};

use crate::people::{approved, text};

/// Everything that an agent asks or tells, as (method, path, query, body).
fn requests(epoch: i64) -> Vec<(Method, &'static str, String, Option<Value>)> {
    vec![
        (Method::GET, "/api/agent/v1/desired", format!("?epoch={epoch}"), None),
        (Method::GET, "/api/agent/v1/tunnel", format!("?epoch={epoch}"), None),
        (
            Method::PUT,
            "/api/agent/v1/observed",
            String::new(),
            Some(json!({"epoch": epoch, "seq": 99})),
        ),
        (
            Method::POST,
            "/api/agent/v1/events",
            String::new(),
            Some(json!({"epoch": epoch, "entries": []})),
        ),
    ]
}

async fn node(client: &Client, id: &str) -> Result<Value> {
    client.get(&format!("/api/nodes/{id}")).await?.expect(200)
}

#[tokio::test]
async fn a_machine_joins_and_reports() -> Result<()> {
    let host = Host::start().await?;
    let user = host.first_user().await?;
    let made = user
        .post("/api/nodes", &json!({"name": " My box "}))
        .await?
        .expect(201)?;
    assert_eq!(
        (&made["node"]["name"], &made["node"]["status"]),
        (&json!("My box"), &json!("pending"))
    );
    let command = text(&made, "/command")?;
    let expect = format!("curl -fsSL '{}/api/agent/install' | sh -s -- --token ", host.origin());
    assert!(
        command.starts_with(&expect) && command.contains(" --sha256 "),
        "{command}"
    );

    let mut agent = FakeAgent::new(host.client())?;
    agent.enrol(&text(&made, "/token")?).await?.expect(200)?;
    assert_eq!(node(&user, &agent.node).await?["status"], "enrolling");
    agent.begin().await?;
    agent.observe(&[]).await?.expect(200)?;
    let ready = node(&user, &agent.node).await?;
    assert_eq!(
        (&ready["status"], &ready["health"]),
        (&json!("ready"), &json!("healthy"))
    );
    assert_eq!(
        (&ready["machine"]["hostname"], &ready["load"]["cpus"]),
        (&json!("fake"), &json!(4))
    );

    let id = agent.node.clone();
    let path = format!("/api/nodes/{id}");
    let renamed = user
        .send(Method::PATCH, &path, Some(&json!({"name": "Other"})))
        .await?
        .expect(200)?;
    assert_eq!(renamed["name"], "Other");
    let drained = user.post(&format!("{path}/drain"), &json!({})).await?.expect(200)?;
    assert_eq!(drained["status"], "draining");
    let resumed = user.post(&format!("{path}/resume"), &json!({})).await?.expect(200)?;
    assert_eq!(resumed["status"], "ready");
    user.post(&format!("{path}/token"), &json!({})).await?.expect(409)?;
    user.delete(&path).await?.expect(204)?;
    user.get(&path).await?.expect(404)?;
    let gone = agent.observe(&[]).await?.expect(401)?;
    assert_eq!(gone["details"]["gone"], true, "the agent is told, and keeps everything");
    Ok(())
}

#[tokio::test]
async fn a_command_is_for_one_machine_and_a_short_time() -> Result<()> {
    let host = Host::start().await?;
    let user = host.first_user().await?;
    let made = user.post("/api/nodes", &json!({"name": "one"})).await?.expect(201)?;
    let (id, token) = (text(&made, "/node/id")?, text(&made, "/token")?);
    let (mut first, mut second) = (FakeAgent::new(host.client())?, FakeAgent::new(host.client())?);
    first.enrol("nonsense").await?.expect(401)?;
    first.enrol(&"A".repeat(43)).await?.expect(401)?;

    // A newer command makes the older one worthless.
    let newer = user
        .post(&format!("/api/nodes/{id}/token"), &json!({}))
        .await?
        .expect(201)?;
    first.enrol(&token).await?.expect(401)?;
    let token = text(&newer, "/token")?;
    let joined = first.enrol(&token).await?.expect(200)?;
    let again = first.enrol(&token).await?.expect(200)?;
    assert_eq!(joined["node_id"], again["node_id"], "the answer was lost");
    let used = second.enrol(&token).await?.expect(401)?;
    assert!(text(&used, "/message")?.contains("used already"), "{used}");

    if host.is_sam_host() {
        let made = user.post("/api/nodes", &json!({"name": "two"})).await?.expect(201)?;
        let database = rusqlite::Connection::open(host.data_dir().join("sqlite/default.db"))?;
        database.execute("UPDATE nodes SET enrol_expires_at = 1 WHERE name = 'two'", [])?;
        let expired = second.enrol(&text(&made, "/token")?).await?.expect(401)?;
        assert!(text(&expired, "/message")?.contains("expired"), "{expired}");
    }
    Ok(())
}

#[tokio::test]
async fn nobody_sees_another_accounts_machines() -> Result<()> {
    let host = Host::start().await?;
    let root = host.first_user().await?;
    let agent = FakeAgent::joined(&root, "mine").await?;
    let (ada, _) = approved(&host, &root, "Ada").await?;
    let path = format!("/api/nodes/{}", agent.node);
    assert_eq!(ada.get("/api/nodes").await?.expect(200)?["items"], json!([]));
    ada.get(&path).await?.expect(404)?;
    ada.send(Method::PATCH, &path, Some(&json!({"name": "x"})))
        .await?
        .expect(404)?;
    for action in ["token", "drain", "resume"] {
        ada.post(&format!("{path}/{action}"), &json!({})).await?.expect(404)?;
    }
    ada.get(&format!("{path}/git/remote?url=/srv/x")).await?.expect(404)?;
    ada.delete(&format!("{path}?force=true")).await?.expect(404)?;
    let wish = json!({"node_id": agent.node});
    ada.post("/api/workspaces", &wish).await?.expect(404)?;
    assert_eq!(node(&root, &agent.node).await?["status"], "ready");
    Ok(())
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_learned() -> Result<()> {
    let host = Host::start().await?;
    let user = host.first_user().await?;
    let mut agent = FakeAgent::joined(&user, "late").await?;
    for ahead_s in [-600, 600] {
        agent.ahead_s = ahead_s;
        let refused = agent.observe(&[]).await?.expect(401)?;
        let server_s = refused["details"]["server_time"].as_i64().context("no time")? / 1_000;
        let own_s = i64::try_from(
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)?
                .as_secs(),
        )?;
        agent.ahead_s += server_s - (own_s + ahead_s);
        agent.observe(&[]).await?.expect(200)?;
    }
    Ok(())
}

#[tokio::test]
async fn the_older_of_two_processes_stands_down() -> Result<()> {
    let host = Host::start().await?;
    let user = host.first_user().await?;
    let mut older = FakeAgent::joined(&user, "twice").await?;
    let mut newer = older.clone();
    newer.begin().await?;
    assert!(newer.epoch > older.epoch);
    newer.observe(&[]).await?.expect(200)?;
    for (method, path, query, body) in requests(older.epoch) {
        let answer = older.send(method, path, &query, body.as_ref()).await?.expect(409)?;
        assert_eq!(answer["details"]["stale_epoch"], json!(newer.epoch), "{path}");
    }
    for (method, path, query, body) in requests(newer.epoch) {
        let answer = newer.send(method, path, &query, body.as_ref()).await?;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
    }
    older.observe(&[]).await?.expect(409)?;
    Ok(())
}

#[tokio::test]
async fn repeated_and_late_reports_change_nothing() -> Result<()> {
    let host = Host::start().await?;
    let user = host.first_user().await?;
    let agent = FakeAgent::joined(&user, "jumpy").await?;
    let load = async |seq, load1| -> Result<Value> {
        agent.report(seq, &[], load1).await?.expect(200)?;
        Ok(node(&user, &agent.node).await?["load"]["load1"].clone())
    };
    assert_eq!(load(5, 5.0).await?, 5.0);
    assert_eq!(load(5, 9.0).await?, 5.0, "repeated");
    assert_eq!(load(3, 3.0).await?, 5.0, "reordered");
    assert_eq!(load(6, 6.0).await?, 6.0);
    Ok(())
}

#[tokio::test]
async fn a_stolen_token_is_for_one_request() -> Result<()> {
    let host = Host::start().await?;
    let user = host.first_user().await?;
    let agent = FakeAgent::joined(&user, "watched").await?;
    let token = agent.token("GET", "/api/agent/v1/desired")?;
    let thief = host.client().with_bearer(&token);
    thief.get("/api/agent/v1/desired").await?.expect(200)?;
    thief.post("/api/agent/v1/desired", &json!({})).await?.expect(405)?;
    let body = json!({"machine": {}});
    thief.post("/api/agent/v1/start", &body).await?.expect(401)?;
    thief.get("/api/nodes").await?.expect(401)?;
    user.get("/api/agent/v1/desired").await?.expect(401)?;
    Ok(())
}

#[tokio::test]
async fn what_is_wanted_comes_at_once() -> Result<()> {
    let host = Host::start().await?;
    if !host.is_sam_host() {
        return Ok(());
    }
    let user = host.first_user().await?;
    let agent = FakeAgent::joined(&user, "waiting").await?;
    let have = agent.desired(None).await?["generation"]
        .as_i64()
        .context("no generation")?;
    let held = tokio::spawn({
        let agent = agent.clone();
        async move { agent.desired(Some(have)).await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(!held.is_finished(), "held while nothing is new");
    let begun = std::time::Instant::now();
    let wish = json!({"name": "w", "node_id": agent.node});
    let made = user.post("/api/workspaces", &wish).await?.expect(201)?;
    let wanted = held.await??;
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    assert_eq!(wanted["workspaces"][0]["id"], made["id"]);
    assert!(wanted["generation"].as_i64() > Some(have));
    Ok(())
}

#[tokio::test]
async fn a_node_with_workspaces_is_forgotten_by_force_only() -> Result<()> {
    let host = Host::start().await?;
    let user = host.first_user().await?;
    let agent = FakeAgent::joined(&user, "full").await?;
    let wish = json!({"name": "w", "node_id": agent.node});
    let made = user.post("/api/workspaces", &wish).await?.expect(201)?;
    let path = format!("/api/nodes/{}", agent.node);
    let refused = user.delete(&path).await?.expect(409)?;
    assert!(text(&refused, "/message")?.contains("force"), "{refused}");
    user.delete(&format!("{path}?force=true")).await?.expect(204)?;
    crate::workspaces::reaches(&user, &text(&made, "/id")?, "deleted").await?;
    Ok(())
}

#[tokio::test]
async fn the_hosts_own_machine_joins_and_joins_again() -> Result<()> {
    let host = Host::start().await?;
    let ops = host.ops()?;
    ops.post("/_work/local-node", &json!({})).await?.expect(503)?;
    let user = host.first_user().await?;
    let first = ops.post("/_work/local-node", &json!({})).await?.expect(200)?;
    let mut agent = FakeAgent::new(host.client())?;
    agent.enrol(&text(&first, "/token")?).await?.expect(200)?;
    agent.begin().await?;
    agent.observe(&[]).await?.expect(200)?;
    let shown = node(&user, &agent.node).await?;
    assert_eq!(
        (&shown["is_local"], &shown["name"]),
        (&json!(true), &json!("This machine"))
    );

    let again = ops.post("/_work/local-node", &json!({})).await?.expect(200)?;
    assert_eq!(again["node_id"], first["node_id"]);
    agent.observe(&[]).await?.expect(200)?;
    let mut other = FakeAgent::new(host.client())?;
    other.enrol(&text(&again, "/token")?).await?.expect(200)?;
    agent.observe(&[]).await?.expect(401)?;
    other.begin().await?;
    other.observe(&[]).await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn tunnels_are_told_and_shown() -> Result<()> {
    let host = Host::start().await?;
    let user = host.first_user().await?;
    let agent = FakeAgent::joined(&user, "tunnel").await?;
    let ops = host.ops()?;
    let change = async |epoch, connected| -> Result<Value> {
        let body = json!({"node_id": agent.node, "epoch": epoch, "connected": connected});
        ops.post("/_work/tunnel", &body).await?.expect(204)?;
        Ok(node(&user, &agent.node).await?["connected"].clone())
    };
    assert_eq!(change(agent.epoch, true).await?, true);
    assert_eq!(
        change(agent.epoch - 1, false).await?,
        true,
        "an older one's end is no news"
    );
    assert_eq!(change(agent.epoch, false).await?, false);
    Ok(())
}

#[tokio::test]
async fn the_script_and_what_it_fetches() -> Result<()> {
    let host = Host::start().await?;
    let script = host.client().get("/api/agent/install").await?;
    assert_eq!(script.status, 200);
    assert!(script.text.starts_with("#!/bin/sh\n"), "{}", script.text);
    assert!(
        script.text.contains(&format!("origin='{}'", host.origin())),
        "{}",
        script.text
    );
    let version = host.client().get("/api/agent/version").await?.expect(200)?;
    assert_eq!(version["protocol"], 1);
    for binary in version["binaries"].as_array().context("no list")? {
        let (os, arch) = (text(binary, "/os")?, text(binary, "/arch")?);
        let path = format!("/api/agent/download?os={os}&arch={arch}");
        let answer = host.client().stream(&path).await?;
        assert_eq!(answer.content_length(), binary["bytes"].as_u64(), "{path}");
        assert_eq!(
            answer.bytes().await?.len() as u64,
            binary["bytes"].as_u64().unwrap_or_default()
        );
    }
    for query in ["os=linux&arch=riscv64", "os=darwin&arch=arm64", "os=..&arch=x"] {
        host.client()
            .get(&format!("/api/agent/download?{query}"))
            .await?
            .expect(404)?;
    }
    Ok(())
}
