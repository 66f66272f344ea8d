//! Workspaces from the wish to the node's last word, with an agent that runs nothing.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::Method;
use sam_tests_api::{Client, FakeAgent, Host};
use serde_json::{Value, json};

use crate::people::{approved, text};

/// Until a change has gone through the queue, on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// Waits until a workspace has that status.
pub(crate) async fn reaches(client: &Client, id: &str, status: &str) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let shown = client.get(&format!("/api/workspaces/{id}")).await?.expect(200)?;
        if shown["status"] == status {
            return Ok(shown);
        }
        if begun.elapsed() > SOON {
            bail!("not {status}: {shown}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn create(client: &Client, agent: &FakeAgent, more: &Value) -> Result<String> {
    let mut wish = json!({"node_id": agent.node});
    if let (Some(wish), Some(more)) = (wish.as_object_mut(), more.as_object()) {
        wish.extend(more.clone());
    }
    let made = client.post("/api/workspaces", &wish).await?.expect(201)?;
    text(&made, "/id")
}

/// What is wanted of a workspace.
async fn wanted(agent: &FakeAgent, id: &str) -> Result<Option<Value>> {
    let all = agent.desired(None).await?;
    let list = all["workspaces"].as_array().context("no list")?;
    Ok(list.iter().find(|one| one["id"] == id).cloned())
}

/// Reports that the newest wish for a workspace is in that state.
async fn says(agent: &mut FakeAgent, id: &str, state: &str, more: Value) -> Result<()> {
    let wish = wanted(agent, id).await?.context("nothing is wanted")?;
    let mut word = json!({
        "id": id, "generation": wish["generation"], "attempt": wish["attempt"], "state": state,
    });
    if let (Some(word), Some(more)) = (word.as_object_mut(), more.as_object()) {
        word.extend(more.clone());
    }
    agent.observe(&[word]).await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn a_full_life() -> Result<()> {
    let host = Host::start().await?;
    let user = host.first_user().await?;
    let mut agent = FakeAgent::joined(&user, "box").await?;
    let id = create(
        &user,
        &agent,
        &json!({"repository": "https://git.example/a/project.git"}),
    )
    .await?;
    let path = format!("/api/workspaces/{id}");
    let queued = user.get(&path).await?.expect(200)?;
    assert_eq!(
        (&queued["status"], &queued["name"]),
        (&json!("queued"), &json!("project"))
    );
    assert!(
        queued["deadline_at"].is_i64() && text(&queued, "/cause")?.contains("box"),
        "{queued}"
    );
    let wish = wanted(&agent, &id).await?.context("not wanted")?;
    assert_eq!(
        (&wish["state"], &wish["repository"]["url"]),
        (&json!("running"), &queued["repository"])
    );

    says(&mut agent, &id, "starting", json!({"step": "clone"})).await?;
    assert_eq!(reaches(&user, &id, "starting").await?["step"], "clone");
    let ports =
        json!({"isolation": "docker", "ports": [{"port": 3000, "label": "Vite", "http": true}], "terminals": 1});
    says(&mut agent, &id, "running", ports).await?;
    let running = reaches(&user, &id, "running").await?;
    assert_eq!(
        (&running["isolation"], &running["ports"][0]["port"]),
        (&json!("docker"), &json!(3000))
    );
    assert!(
        running["idle_stop_at"].is_i64() && running["deadline_at"].is_null(),
        "{running}"
    );

    user.post(&format!("{path}/start"), &json!({})).await?.expect(409)?;
    assert_eq!(
        user.post(&format!("{path}/stop"), &json!({})).await?.expect(200)?["status"],
        "stopping"
    );
    says(&mut agent, &id, "stopped", json!({})).await?;
    reaches(&user, &id, "stopped").await?;
    let started = user.post(&format!("{path}/start"), &json!({})).await?.expect(200)?;
    assert_eq!((&started["status"], &started["attempt"]), (&json!("queued"), &json!(2)));
    let rebuilt = user.post(&format!("{path}/rebuild"), &json!({})).await?.expect(200)?;
    assert_eq!(
        (
            &rebuilt["attempt"],
            &wanted(&agent, &id).await?.context("gone")?["rebuild"]
        ),
        (&json!(3), &json!(true))
    );

    let failure = json!({"failure": {"step": "image", "message": "It could not be pulled."}});
    says(&mut agent, &id, "failed", failure).await?;
    let failed = reaches(&user, &id, "failed").await?;
    assert_eq!(failed["failure"]["step"], "image");
    user.post(&format!("{path}/start"), &json!({})).await?.expect(200)?;
    says(&mut agent, &id, "running", json!({})).await?;
    reaches(&user, &id, "running").await?;

    assert_eq!(user.delete(&path).await?.expect(200)?["status"], "deleting");
    assert_eq!(wanted(&agent, &id).await?.context("no tombstone")?["state"], "deleted");
    says(&mut agent, &id, "deleted", json!({})).await?;
    reaches(&user, &id, "deleted").await?;
    assert_eq!(wanted(&agent, &id).await?, None);
    assert_eq!(user.get("/api/workspaces").await?.expect(200)?["items"], json!([]));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_with_a_reason() -> Result<()> {
    let host = Host::start().await?;
    let user = host.first_user().await?;
    let none = user.post("/api/workspaces", &json!({})).await?.expect(409)?;
    assert!(text(&none, "/message")?.contains("add a machine"), "{none}");
    let agent = FakeAgent::joined(&user, "box").await?;
    let unconnected = user.post("/api/workspaces", &json!({})).await?.expect(409)?;
    assert!(text(&unconnected, "/message")?.contains("tunnel"), "{unconnected}");
    let change = json!({"node_id": agent.node, "epoch": agent.epoch, "connected": true});
    host.ops()?.post("/_work/tunnel", &change).await?.expect(204)?;
    assert_eq!(
        user.post("/api/workspaces", &json!({})).await?.expect(201)?["node_id"],
        json!(agent.node)
    );

    for (wish, expect) in [
        (json!({"repository": "--upload-pack=x"}), "begins with `-`"),
        (json!({"repository": "ext::sh -c id"}), "repository"),
        (json!({"repository": "https://u:p@git.example/a/b"}), "credential"),
        (json!({"repository": "/srv/../etc"}), "upwards"),
        (json!({"repository": "/srv/a", "branch": "a..b"}), "branch"),
        (json!({"branch": "main"}), "no repository"),
        (json!({"image": "No Image"}), "image"),
        (json!({"name": "\u{7}"}), "name"),
        (json!({"limits": {"memory_bytes": 5}}), "memory_bytes"),
        (json!({"idle_stop_minutes": 20_000}), "idle_stop_minutes"),
        (
            json!({"repository": "/srv/a", "credential": {"username": "u", "password": "p"}}),
            "https://",
        ),
        (
            json!({"repository": "https://h.example/a", "credential": {"username": "u\nx=y", "password": "p"}}),
            "line breaks",
        ),
    ] {
        let refused = user.post("/api/workspaces", &wish).await?.expect(400)?;
        assert!(text(&refused, "/message")?.contains(expect), "{wish}: {refused}");
    }
    Ok(())
}

#[tokio::test]
async fn nobody_opens_anothers_workspace() -> Result<()> {
    let host = Host::start().await?;
    let root = host.first_user().await?;
    let agent = FakeAgent::joined(&root, "box").await?;
    let id = create(&root, &agent, &json!({})).await?;
    let (ada, _) = approved(&host, &root, "Ada").await?;
    let path = format!("/api/workspaces/{id}");
    assert_eq!(ada.get("/api/workspaces").await?.expect(200)?["items"], json!([]));
    for read in [
        "",
        "/boot",
        "/boot/log?step=clone",
        "/terminals",
        "/git/status",
        "/git/diff",
        "/files",
        "/file",
    ] {
        ada.get(&format!("{path}{read}")).await?.expect(404)?;
    }
    for act in [
        "stop",
        "start",
        "restart",
        "rebuild",
        "files/mkdir?path=x",
        "files/rename?from=a&to=b",
    ] {
        ada.post(&format!("{path}/{act}"), &json!({})).await?.expect(404)?;
    }
    ada.delete(&path).await?.expect(404)?;
    let ticket = json!({"for": {"kind": "port", "port": 3000}});
    ada.post(&format!("{path}/tickets"), &ticket).await?.expect(404)?;
    root.get(&path).await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn what_is_inside_needs_the_tunnel() -> Result<()> {
    let host = Host::start().await?;
    if !host.is_sam_host() {
        return Ok(());
    }
    let user = host.first_user().await?;
    let agent = FakeAgent::joined(&user, "box").await?;
    let id = create(&user, &agent, &json!({})).await?;
    let refused = user
        .get(&format!("/api/workspaces/{id}/terminals"))
        .await?
        .expect(503)?;
    assert_eq!(refused["error"], "NODE_UNREACHABLE");
    Ok(())
}

#[tokio::test]
async fn steps_are_told_once_and_read_in_order() -> Result<()> {
    let host = Host::start().await?;
    let user = host.first_user().await?;
    let agent = FakeAgent::joined(&user, "box").await?;
    let id = create(&user, &agent, &json!({})).await?;
    let entry = |n: u8, at: i64, step: u8, name: &str, status: &str| {
        json!({"id": format!("01j00000000000000000000{n:03}"), "at": at, "what": {
            "kind": "step", "workspace": id, "attempt": 1, "n": step, "name": name, "status": status,
            "started_at": at, "tail": "…",
        }})
    };
    let entries = json!({"epoch": agent.epoch, "entries": [
        entry(1, 10, 0, "volume", "done"),
        entry(2, 11, 1, "clone", "running"),
        json!({"id": "01j00000000000000000000009", "at": 12, "what": {"kind": "of a later version"}}),
        entry(3, 13, 1, "clone", "failed"),
    ]});
    for _ in 0..2 {
        let taken = agent.post("/api/agent/v1/events", &entries).await?.expect(200)?;
        assert_eq!(taken["entries"], 4);
    }
    let boot = user.get(&format!("/api/workspaces/{id}/boot")).await?.expect(200)?;
    let steps: Vec<_> = boot["steps"].as_array().context("no steps")?.iter().collect();
    assert_eq!(steps.len(), 2, "{boot}");
    assert_eq!(
        (&steps[0]["name"], &steps[1]["status"]),
        (&json!("volume"), &json!("failed"))
    );
    Ok(())
}

#[tokio::test]
async fn a_credential_goes_to_its_own_node_and_host_only() -> Result<()> {
    let host = Host::start().await?;
    let user = host.first_user().await?;
    let agent = FakeAgent::joined(&user, "one").await?;
    let other = FakeAgent::joined(&user, "two").await?;
    let secret = json!({"username": "x-access-token", "password": "s3cret-canary"});
    let wish = json!({"repository": "https://git.example:8443/a/b", "credential": secret});
    let id = create(&user, &agent, &wish).await?;
    let plain = create(&user, &agent, &json!({"repository": "https://git.example:8443/a/b"})).await?;
    let ask = |id: &str, protocol: &str, at: &str| json!({"workspace": id, "protocol": protocol, "host": at});
    let path = "/api/agent/v1/git-credential";
    let good = ask(&id, "https", "git.example:8443");
    assert_eq!(agent.post(path, &good).await?.expect(200)?, secret);
    other.post(path, &good).await?.expect(404)?;
    for bad in [
        ask(&id, "http", "git.example:8443"),
        ask(&id, "https", "git.example"),
        ask(&id, "https", "evil.example"),
        ask(&plain, "https", "git.example:8443"),
    ] {
        agent.post(path, &bad).await?.expect(404)?;
    }
    let shown = user.get(&format!("/api/workspaces/{id}")).await?.text;
    let wanted = agent.desired(None).await?.to_string();
    assert!(!shown.contains("canary") && !wanted.contains("canary"));
    user.delete(&format!("/api/workspaces/{id}")).await?.expect(200)?;
    agent.post(path, &good).await?.expect(404)?;
    if host.is_sam_host() {
        let data = host.stop().await?;
        let hit = contains(&data.path().join("sqlite"), b"s3cret-canary")?;
        assert!(!hit, "the credential is sealed");
    }
    Ok(())
}

fn contains(folder: &Path, needle: &[u8]) -> Result<bool> {
    for entry in fs::read_dir(folder)? {
        let bytes = fs::read(entry?.path())?;
        if bytes.windows(needle.len()).any(|window| window == needle) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[tokio::test]
async fn a_ticket_opens_one_door_once() -> Result<()> {
    let host = Host::start().await?;
    let user = host.first_user().await?;
    let ops = host.ops()?;
    let agent = FakeAgent::joined(&user, "box").await?;
    let id = create(&user, &agent, &json!({})).await?;
    let tickets = format!("/api/workspaces/{id}/tickets");
    let terminal = "01arz3ndektsv4rrffq69g5fav";
    let admit = async |label: &str, path: &str, kind: &str, secret: &str| {
        let body = json!({"label": label, "path": path, "credential": {"kind": kind, "secret": secret}});
        ops.post("/_work/admit", &body).await
    };

    let wish = json!({"for": {"kind": "terminal", "terminal": terminal, "read_only": true}});
    let made = user.post(&tickets, &wish).await?.expect(201)?;
    let (ticket, label, path) = (
        text(&made, "/ticket")?,
        format!("ws-{id}"),
        format!("/terminals/{terminal}"),
    );
    assert!(text(&made, "/url")?.starts_with("ws://ws-"), "{made}");
    admit(&label, "/terminals/01arz3ndektsv4rrffq69g5faw", "ticket", &ticket)
        .await?
        .expect(401)?;
    admit(&format!("ws-{terminal}"), &path, "ticket", &ticket)
        .await?
        .expect(401)?;
    let admitted = admit(&label, &path, "ticket", &ticket).await?.expect(200)?;
    assert_eq!(admitted["node_id"], json!(agent.node));
    let target = text(&admitted, "/target")?;
    let expect = format!("/v1/workspaces/{id}/terminals/{terminal}/attach?mode=read&viewer=");
    assert!(target.starts_with(&expect), "{target}");
    admit(&label, &path, "ticket", &ticket).await?.expect(401)?;

    let made = user
        .post(&tickets, &json!({"for": {"kind": "port", "port": 3000}}))
        .await?
        .expect(201)?;
    let (ticket, label) = (text(&made, "/ticket")?, format!("ws-{id}--3000"));
    admit(&label, "/", "ticket", &ticket).await?.expect(401)?;
    let entered = admit(&label, "/.sam/enter", "ticket", &ticket).await?.expect(200)?;
    let cookie = text(&entered, "/cookie/value")?;
    let passed = admit(&label, "/any", "cookie", &cookie).await?.expect(200)?;
    assert_eq!(passed["target"], json!(format!("/v1/workspaces/{id}/ports/3000")));
    admit(&format!("ws-{id}--3001"), "/", "cookie", &cookie)
        .await?
        .expect(401)?;
    admit(&format!("ws-{id}"), "/", "cookie", &cookie).await?.expect(401)?;
    admit("www", "/", "cookie", &cookie).await?.expect(404)?;

    // What was opened ends with the session that opened it.
    user.post("/api/auth/logout", &json!({})).await?.expect(204)?;
    admit(&label, "/any", "cookie", &cookie).await?.expect(401)?;
    Ok(())
}

#[tokio::test]
async fn a_restored_backup_deletes_nothing() -> Result<()> {
    let host = Host::start().await?;
    if !host.is_sam_host() {
        return Ok(());
    }
    let user = host.first_user().await?;
    let mut agent = FakeAgent::joined(&user, "box").await?;
    let known = create(&user, &agent, &json!({"name": "known"})).await?;
    says(&mut agent, &known, "running", json!({})).await?;
    reaches(&user, &known, "running").await?;

    let backup = tempfile::tempdir()?;
    let host = host
        .kill_change_and_restart(|data| copy(&data.join("sqlite"), backup.path()))
        .await?;
    let later = create(&user, &agent, &json!({"name": "later"})).await?;
    let restarted = user
        .post(&format!("/api/workspaces/{known}/restart"), &json!({}))
        .await?
        .expect(200)?;
    assert_eq!(restarted["attempt"], 2);
    agent.begin().await?;
    let newest = agent.desired(None).await?["generation"]
        .as_i64()
        .context("no generation")?;

    let host = host
        .kill_change_and_restart(|data| {
            fs::remove_dir_all(data.join("sqlite"))?;
            fs::create_dir(data.join("sqlite"))?;
            copy(backup.path(), &data.join("sqlite"))
        })
        .await?;
    let word = |id: &str, generation: i64, attempt: i64| json!({"id": id, "generation": generation, "attempt": attempt, "state": "running"});
    agent
        .observe(&[word(&known, 2, 2), word(&later, 1, 1)])
        .await?
        .expect(200)?;
    let wanted = agent.desired(Some(newest)).await?;
    let list = wanted["workspaces"].as_array().context("no list")?;
    assert!(list.iter().all(|one| one["state"] != "deleted"), "{wanted}");
    assert!(list.iter().all(|one| one["id"] != json!(later)), "{wanted}");
    let node = user.get(&format!("/api/nodes/{}", agent.node)).await?.expect(200)?;
    assert_eq!((&node["orphans"], &node["status"]), (&json!([later]), &json!("ready")));
    // The process of before goes on, and the next one is newer still.
    let before = agent.epoch;
    agent.begin().await?;
    assert!(agent.epoch > before);
    reaches(&user, &known, "running").await?;
    drop(host);
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

#[tokio::test]
async fn names_and_idle_times_change() -> Result<()> {
    let host = Host::start().await?;
    let user = host.first_user().await?;
    let agent = FakeAgent::joined(&user, "box").await?;
    let id = create(&user, &agent, &json!({"name": "old"})).await?;
    let path = format!("/api/workspaces/{id}");
    let wish = json!({"name": "new", "idle_stop_minutes": 0});
    let shown = user.send(Method::PATCH, &path, Some(&wish)).await?.expect(200)?;
    assert_eq!(
        (&shown["name"], &shown["idle_stop_minutes"]),
        (&json!("new"), &json!(0))
    );
    assert_eq!(wanted(&agent, &id).await?.context("gone")?["name"], "new");
    Ok(())
}
