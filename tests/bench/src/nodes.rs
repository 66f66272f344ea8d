//! Rows about nodes: a terminal through edge, tunnel and supervisor (P3), a new workspace to its first byte (P7), and what
//! an agent costs that has nothing to do (P9). All of the real host with its own machine as a node.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sam_contract::terminal::{SUBPROTOCOL, Size};
use sam_tests_api::{Client, Host, sam_agent_file};
use sam_tests_term::client::{Event, Memory, Viewer, connect};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::hosts::resident_mib;
use crate::row::{Better, Row};

/// The base image under another name: what is kept ready is of the first name, so this one starts cold.
const SAME_IMAGE: &str = "sam-bench-workspace:latest";
const IMAGE: &str = "sam-workspace:latest";
/// Longer is a defect, not a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the agent is watched at rest.
const REST: Duration = Duration::from_secs(20);

/// The host with its node.
struct Place {
    host: Host,
    client: Client,
}

impl Place {
    async fn start() -> Result<Self> {
        let host = Host::start_with_node().await?;
        let client = host.first_user().await?;
        let place = Self { host, client };
        place
            .until("/api/nodes", "a ready node with a container in reserve", |list| {
                list.pointer("/items/0/status") == Some(&json!("ready"))
                    && list.pointer("/items/0/connected") == Some(&json!(true))
                    && list.pointer("/items/0/warm") == Some(&json!(1))
            })
            .await?;
        Ok(place)
    }

    async fn until(&self, path: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Result<Value> {
        let started = Instant::now();
        loop {
            let found = self.client.get(path).await?.expect(200)?;
            if holds(&found) {
                return Ok(found);
            }
            if started.elapsed() > PATIENCE {
                bail!("waited for {what}; found {found}");
            }
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// A new workspace; returns the path of its resource once it runs.
    async fn workspace(&self, wish: &Value) -> Result<String> {
        let made = self.client.post("/api/workspaces", wish).await?.expect(201)?;
        let path = format!("/api/workspaces/{}", text(&made, "/id")?);
        self.until(&path, "a running workspace", |row| {
            row.pointer("/status") == Some(&json!("running"))
        })
        .await?;
        Ok(path)
    }

    /// A new terminal of it, attached through the edge.
    async fn terminal(&self, workspace: &str) -> Result<Viewer> {
        let size = json!({"cols": 80, "rows": 24});
        let made = self
            .client
            .post(&format!("{workspace}/terminals"), &size)
            .await?
            .expect(201)?;
        let wish = json!({"for": {"kind": "terminal", "terminal": text(&made, "/id")?}});
        let ticket = self
            .client
            .post(&format!("{workspace}/tickets"), &wish)
            .await?
            .expect(201)?;
        let offer = format!("ticket.{}", text(&ticket, "/ticket")?);
        let url = text(&ticket, "/url")?;
        let origin = self.host.origin();
        let socket = connect(&url, &[("origin", origin)], &[SUBPROTOCOL, &offer]).await?;
        Ok(Viewer::open(socket, Memory::new()?, 0, Size::DEFAULT).await?.0)
    }

    async fn delete(&self, workspace: &str) -> Result<()> {
        self.client.delete(workspace).await?.expect(200)?;
        let list = "/api/workspaces";
        self.until(list, "the workspace to be gone", |page| {
            !page
                .to_string()
                .contains(workspace.rsplit('/').next().unwrap_or_default())
        })
        .await?;
        Ok(())
    }
}

fn text(json: &Value, pointer: &str) -> Result<String> {
    let found = json.pointer(pointer).and_then(Value::as_str);
    Ok(found.with_context(|| format!("no {pointer} in {json}"))?.to_owned())
}

/// P3 through everything that a browser's key press passes.
pub(crate) async fn echo(quick: bool) -> Result<Vec<Row>> {
    let place = Place::start().await?;
    let workspace = place.workspace(&json!({"name": "echo"})).await?;
    let mut viewer = place.terminal(&workspace).await?;
    viewer.input(b"stty -icanon; exec cat >/dev/null\n").await?;
    sleep(Duration::from_secs(1)).await;
    let count = if quick { 1_000 } else { 10_000 };
    let mut times = Vec::with_capacity(count);
    for turn in 0..count + 200 {
        let began = Instant::now();
        viewer.input(b"x").await?;
        viewer.event(|event| matches!(event, Event::Output(_))).await?;
        if turn >= 200 {
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    drop(viewer);
    place.delete(&workspace).await?;
    place.host.end().await?;
    Ok(vec![
        Row::absolute("P3.edge.p50", quantile(&mut times, 0.5), "ms", Better::Less, 0.25),
        Row::absolute("P3.edge.p99", quantile(&mut times, 0.99), "ms", Better::Less, 2.0),
    ])
}

/// P7: from the request for a workspace to the first byte of its shell.
pub(crate) async fn first_byte(quick: bool) -> Result<Vec<Row>> {
    let tagged = tokio::process::Command::new("docker")
        .args(["tag", IMAGE, SAME_IMAGE])
        .status()
        .await?;
    if !tagged.success() {
        bail!("P7 needs a Docker engine and the image {IMAGE}: deploy/workspace-image/build.sh {IMAGE}");
    }
    let place = Place::start().await?;
    let turns = if quick { 3 } else { 15 };
    let warm = measure(&place, &json!({"name": "warm"}), turns).await?;
    let cold = measure(&place, &json!({"name": "cold", "image": SAME_IMAGE}), turns).await?;
    place.host.end().await?;
    Ok(vec![
        Row::absolute("P7.warm.p50", warm, "ms", Better::Less, 150.0),
        Row::absolute("P7.cached.p50", cold, "ms", Better::Less, 1_000.0),
    ])
}

async fn measure(place: &Place, wish: &Value, turns: usize) -> Result<f64> {
    let mut times = Vec::with_capacity(turns);
    for _ in 0..turns {
        place
            .until("/api/nodes", "a container in reserve", |list| {
                list.pointer("/items/0/warm") == Some(&json!(1))
            })
            .await?;
        let began = Instant::now();
        let workspace = place.workspace(wish).await?;
        let mut viewer = place.terminal(&workspace).await?;
        viewer.event(|event| matches!(event, Event::Output(_))).await?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
        drop(viewer);
        place.delete(&workspace).await?;
    }
    Ok(quantile(&mut times, 0.5))
}

/// P9: memory, processor time and size of an agent with nothing to do.
pub(crate) async fn idle_agent() -> Result<Vec<Row>> {
    let place = Place::start().await?;
    let pid = agent_of(&place.host.data_dir())?;
    sleep(Duration::from_secs(5)).await;
    let before = cpu_ticks(pid)?;
    sleep(REST).await;
    let spent = cpu_ticks(pid)? - before;
    let memory = resident_mib(pid)?;
    place.host.end().await?;
    #[expect(clippy::cast_precision_loss, reason = "megabytes")]
    let size = std::fs::metadata(sam_agent_file()?)?.len() as f64 / 1024.0 / 1024.0;
    // A tick is a hundredth of a second on Linux.
    let share = spent / 100.0 / REST.as_secs_f64() * 100.0;
    Ok(vec![
        Row::absolute("P9.rss", memory, "MiB", Better::Less, 12.0),
        Row::absolute("P9.cpu", share, "%", Better::Less, 0.1),
        Row::absolute("P9.binary", size, "MiB", Better::Less, 15.0),
    ])
}

/// The agent that runs on that data.
fn agent_of(data: &Path) -> Result<u32> {
    let folder = data.join("node").display().to_string();
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words: Vec<_> = line.split(|byte| *byte == 0).collect();
        if words.contains(&folder.as_bytes()) && words.contains(&b"run".as_slice()) {
            return Ok(pid);
        }
    }
    bail!("no agent runs on {folder}")
}

/// Processor time of a process, in ticks.
fn cpu_ticks(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, after) = stat.rsplit_once(')').context("stat has no name")?;
    let mut fields = after.split_whitespace().skip(11);
    let mut next = || {
        fields
            .next()
            .and_then(|field| field.parse::<f64>().ok())
            .context("stat is short")
    };
    Ok(next()? + next()?)
}

/// The value below which `share` of the values lie.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let index = ((values.len() as f64 * share) as usize).min(values.len().saturating_sub(1));
    values.get(index).copied().unwrap_or_default()
}
