//! The rows of P3 and P4, straight to the agent on loopback.

mod echo;
mod floor;
mod many;
mod memory;
#[expect(clippy::print_stdout, reason = "a bench prints")]
#[path = "../../bench/src/row.rs"]
mod row;
mod throughput;

use std::process::Stdio;

use anyhow::{Context as _, Result};
use sam_contract::ids::TerminalId;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use row::{Better, Row};
use sam_tests_term::agent;
use sam_tests_term::records;
use sam_tests_term::supervisor::Supervisor;

/// Runs the wanted rows.
pub(crate) async fn run(wanted: &[String], quick: bool, json: bool) -> Result<()> {
    let asked = |row: &str| {
        let named = |name: &String| row == name || row.starts_with(&format!("{name}."));
        wanted.is_empty() || wanted.iter().any(named)
    };
    let print = |rows: Vec<Row>| {
        rows.iter()
            .filter(|row| asked(row.row))
            .try_for_each(|row| row.print(json))
    };
    if asked("P3.echo.p50") || asked("P3.echo.p99") {
        print(echo::rows(if quick { 2_000 } else { 20_000 }).await?)?;
    }
    if asked("P3.throughput") {
        print(throughput::rows(if quick { 64 } else { 512 }).await?)?;
    }
    if asked("P3.many.cpu") || asked("P3.many.delivered") {
        print(many::rows(if quick { 100 } else { 1_000 }, if quick { 3 } else { 10 }).await?)?;
    }
    if asked("P4.drops") {
        print(vec![drops(if quick { 200 } else { 1_000 }).await?])?;
    }
    if asked("P4.stalled") {
        print(memory::rows().await?)?;
    }
    Ok(())
}

/// Connections broken in the middle of output, every byte checked.
async fn drops(count: u64) -> Result<Row> {
    let server = Server::start().await?;
    let id = server.supervisor.shell(records::SCRIPT).await?;
    let url = server.url(id);
    let again = url.clone();
    records::watch(&url, count, async move |_| Ok(again.clone())).await?;
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    Ok(Row::absolute(
        "P4.drops",
        count as f64,
        "exact",
        Better::More,
        count as f64,
    ))
}

/// A supervisor and the agent's half, each a process of its own.
struct Server {
    supervisor: Supervisor,
    agent: Child,
    port: u16,
}

impl Server {
    async fn start() -> Result<Self> {
        let supervisor = Supervisor::start().await?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve").arg(supervisor.socket());
        let mut agent = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let output = agent.stdout.take().context("no output of the agent")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).await?;
        let port = line.trim().parse().context("reading the agent's port")?;
        Ok(Self {
            supervisor,
            agent,
            port,
        })
    }

    fn url(&self, id: TerminalId) -> String {
        agent::url(self.port, id)
    }

    fn agent_pid(&self) -> u32 {
        self.agent.id().unwrap_or_default()
    }
}

/// The value below which `share` of the sorted values lie.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let at = (sorted.len() as f64 * share) as usize;
    sorted
        .get(at.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}
