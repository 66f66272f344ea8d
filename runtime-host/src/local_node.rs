//! "This machine": the host's own machine as a node, by the same agent and the same way of joining as any other.
//!
//! ```text
//!   no identity ─▶ ask for a one-time token ─▶ `sam-agent enrol` ──┐
//!   identity ──────────────────────────────────────────────────────┴▶ `sam-agent run` ─▶ ended ─▶ wait ─▶ again
//!   stop: SIGTERM, five seconds, SIGKILL
//! ```
//!
//! The agent has a process group of its own, so Ctrl-C reaches the host only. It owns no shell: those belong to their
//! supervisors and outlive it. An agent that a killed host left behind stands down when the next one starts.

mod child;
mod rules;

use crate::cli::UpArgs;
use crate::data_dir::DataDir;
use crate::work::{CallError, Components};
use anyhow::{Context, Result};
use child::{Child, Ended};
use http::StatusCode;
use rules::{After, after, agent_bin, backoff, passes_on};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

/// How soon the owner's first sign-in is noticed.
const WAIT_FOR_OWNER: Duration = Duration::from_secs(1);
/// Joining is one request.
const ENROL_MAX: Duration = Duration::from_secs(60);
/// An agent that ran so long was well; what ended it is a new trouble.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// The supervised agent of this machine.
pub struct LocalNode {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl LocalNode {
    /// Ends the agent, within seconds.
    pub async fn stop(self) {
        self.stop.cancel();
        // Its task does not panic; if it did, the agent is on its own and stands down at the next start.
        self.task.await.ok();
    }
}

/// Makes this machine a node, unless that is not wanted or there is no agent. `url` is where the agent finds the host.
pub fn start(args: &UpArgs, data: &DataDir, url: &str, components: Components) -> Option<LocalNode> {
    if args.no_local_node {
        return None;
    }
    let own = std::env::current_exe().ok();
    let Some(binary) = agent_bin(args.agent_bin.as_deref(), own.as_deref()) else {
        warn!("this machine is no node: there is no sam-agent beside sam-host, and --agent-bin names none");
        return None;
    };
    let ask = move || {
        let components = components.clone();
        async move {
            match components.local_node().await {
                Ok(node) => Ok(Some(node.token)),
                Err(CallError::Refused { status, .. }) if status == StatusCode::SERVICE_UNAVAILABLE => Ok(None),
                Err(error) => Err(error.into()),
            }
        }
    };
    Some(supervise(
        Agent {
            binary,
            state: data.node(),
            url: url.to_owned(),
        },
        ask,
    ))
}

/// Runs an agent until [`LocalNode::stop`]. `ask` gets a fresh one-time token; none as long as nobody has signed in whose
/// node this machine could be.
pub(crate) fn supervise<F>(agent: Agent, ask: impl Fn() -> F + Send + Sync + 'static) -> LocalNode
where
    F: Future<Output = Result<Option<String>>> + Send,
{
    let stop = CancellationToken::new();
    let token = stop.clone();
    let task = tokio::spawn(async move {
        let mut failures = 0;
        while !token.is_cancelled() {
            let started = Instant::now();
            let next = agent.once(&ask, &token).await;
            if started.elapsed() >= WELL_AFTER {
                failures = 0;
            }
            if next == After::Stop {
                return;
            }
            let wait = if next == After::Wait {
                WAIT_FOR_OWNER
            } else {
                failures += 1;
                backoff(failures - 1)
            };
            tokio::select! {
                () = token.cancelled() => return,
                () = sleep(wait) => {}
            }
        }
    });
    LocalNode { stop, task }
}

/// The agent's program and where it belongs.
pub(crate) struct Agent {
    pub(crate) binary: PathBuf,
    pub(crate) state: PathBuf,
    pub(crate) url: String,
}

impl Agent {
    /// Joins if need be, then runs the agent until it ends.
    async fn once<F>(&self, ask: &(impl Fn() -> F + Sync), stop: &CancellationToken) -> After
    where
        F: Future<Output = Result<Option<String>>> + Send,
    {
        if !self.state.join("identity.json").exists() {
            let joined = tokio::select! {
                joined = self.enrol(ask) => joined,
                () = stop.cancelled() => return After::Stop,
            };
            match joined {
                Ok(true) => info!("this machine has joined as a node"),
                Ok(false) => {
                    debug!("this machine joins as a node when its owner has signed in");
                    return After::Wait;
                }
                Err(error) => {
                    let error = format!("{error:#}");
                    error!(error, "this machine could not join as a node; trying again");
                    return After::Again;
                }
            }
        }
        let mut child = match Child::spawn(self.command(["run"])) {
            Ok(child) => child,
            Err(error) => {
                error!(binary = %self.binary.display(), %error, "the agent of this machine cannot be started");
                return After::Again;
            }
        };
        debug!(pid = child.pid(), "the agent of this machine runs");
        match child.run_until(stop).await {
            Ended::Stopped => After::Stop,
            Ended::ByItself(status) => {
                let next = after(status.code());
                match next {
                    After::Again | After::Wait => {
                        warn!(%status, "the agent of this machine ended; it is started again")
                    }
                    After::Stop => warn!(
                        %status,
                        "the agent of this machine ended for good: another process has its identity, or the node was \
                         removed. Restart sam-host to try again"
                    ),
                }
                next
            }
        }
    }

    /// Joins; false when there is nobody yet to join for.
    async fn enrol<F>(&self, ask: &(impl Fn() -> F + Sync)) -> Result<bool>
    where
        F: Future<Output = Result<Option<String>>> + Send,
    {
        let Some(token) = ask().await.context("the control plane gives no token")? else {
            return Ok(false);
        };
        let mut command = self.command(["enrol", "--token-stdin", "--url", &self.url]);
        command.stdin(Stdio::piped());
        let mut child = Child::spawn(command).with_context(|| format!("{} cannot be run", self.binary.display()))?;
        if let Some(mut input) = child.input() {
            // One that ends without reading says why itself.
            input.write_all(format!("{token}\n").as_bytes()).await.ok();
        }
        let status = timeout(ENROL_MAX, child.wait())
            .await
            .with_context(|| format!("it took more than {} s", ENROL_MAX.as_secs()))??;
        if status.success() {
            Ok(true)
        } else {
            anyhow::bail!("sam-agent enrol ended with {status}; its last words are in the log")
        }
    }

    fn command<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--state-dir").arg(&self.state);
        // What the host knows by its environment is not for shells in workspaces.
        let unwanted = std::env::vars_os()
            .map(|(name, _)| name)
            .filter(|name| !passes_on(name));
        unwanted.for_each(|name: OsString| {
            command.env_remove(name);
        });
        command
    }
}

#[cfg(test)]
mod tests;
