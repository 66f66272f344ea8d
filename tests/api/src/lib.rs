//! Starts the real components in a real host, on a data directory of their own, and talks HTTP to them.
//!
//! `sam-host` by default; upstream Spin when `SPIN_BIN` names a binary, so that one suite proves both.
//! Nothing here knows how either host is built: `cargo xtask test` builds first and names the binary.

mod agent;
mod client;
mod process;
mod sam_host;
mod upstream_spin;

use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::TempDir;

pub use agent::FakeAgent;
pub use client::{Answer, Client};
pub use process::Running;
pub use sam_host::{agent as sam_agent_file, command as sam_host_command, root};

/// A started control plane. Dropping it kills the host and removes its data.
pub struct Host {
    running: Running,
    data: TempDir,
    origin: String,
    login: String,
    /// Which host runs, with its secrets: enough to start it again on the same data.
    kind: Kind,
}

enum Kind {
    /// With the agent that makes this machine a node, or none.
    SamHost(Option<PathBuf>),
    UpstreamSpin(upstream_spin::Secrets),
}

impl Host {
    /// A host with an empty data directory: upstream Spin when `SPIN_BIN` names it, else `sam-host`.
    pub async fn start() -> Result<Self> {
        match std::env::var_os("SPIN_BIN") {
            Some(_) => Self::of(Kind::UpstreamSpin(upstream_spin::Secrets::new()?)).await,
            None => Self::start_sam_host().await,
        }
    }

    /// `sam-host`, whatever `SPIN_BIN` says.
    pub async fn start_sam_host() -> Result<Self> {
        Self::of(Kind::SamHost(None)).await
    }

    /// `sam-host` with this machine as a node, by the agent that `cargo xtask test` made. End it with [`Host::end`].
    pub async fn start_with_node() -> Result<Self> {
        Self::of(Kind::SamHost(Some(sam_host::agent()?))).await
    }

    async fn of(kind: Kind) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let (running, origin, login) = boot(&kind, &data, None).await?;
        Ok(Self {
            running,
            data,
            origin,
            login,
            kind,
        })
    }

    /// `http://127.0.0.1:port`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The one-time token of the printed login link.
    pub fn login_token(&self) -> &str {
        &self.login
    }

    /// Where the host keeps its data.
    pub fn data_dir(&self) -> PathBuf {
        self.data.path().to_path_buf()
    }

    /// Whether the host under test is `sam-host`, with edge and scheduler.
    pub fn is_sam_host(&self) -> bool {
        matches!(self.kind, Kind::SamHost(_))
    }

    /// A client with the token of the host itself, for `/_work/...`.
    pub fn ops(&self) -> Result<Client> {
        let token = match &self.kind {
            Kind::SamHost(_) => std::fs::read_to_string(self.data.path().join("keys/ops-token"))?,
            Kind::UpstreamSpin(secrets) => secrets.ops_token().to_owned(),
        };
        Ok(self.client().with_bearer(token.trim()))
    }

    /// A client without credentials.
    pub fn client(&self) -> Client {
        Client::new(&self.origin)
    }

    /// The superadmin, signed in by the printed link. Can be called once per start.
    pub async fn first_user(&self) -> Result<Client> {
        let client = self.client();
        client.login(&self.login, None).await
    }

    /// Kills the host without warning (SIGKILL) and starts it again on the same data and port.
    pub async fn kill_and_restart(self) -> Result<Self> {
        self.kill_change_and_restart(|_| Ok(())).await
    }

    /// The same, with something done to its data in between: what an operator does who restores a backup.
    pub async fn kill_change_and_restart(mut self, change: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        let address = self.origin.trim_start_matches("http://").to_owned();
        self.running.kill().await?;
        change(self.data.path())?;
        (self.running, self.origin, self.login) = boot(&self.kind, &self.data, Some(&address)).await?;
        Ok(self)
    }

    /// Ends the host as an operator does (SIGTERM), and with it the agent that it runs.
    pub async fn end(mut self) -> Result<()> {
        self.running.terminate()?;
        self.running.wait().await?;
        Ok(())
    }

    /// Kills the host and hands over its data.
    pub async fn stop(mut self) -> Result<TempDir> {
        self.running.kill().await?;
        Ok(self.data)
    }
}

async fn boot(kind: &Kind, data: &TempDir, address: Option<&str>) -> Result<(Running, String, String)> {
    match kind {
        Kind::SamHost(agent) => sam_host::start(data.path(), address, agent.as_deref()).await,
        Kind::UpstreamSpin(secrets) => upstream_spin::start(secrets, data.path(), address).await,
    }
}
