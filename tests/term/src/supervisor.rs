//! The real supervisor: the static musl binary that is bind-mounted into containers, built once a test run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, bail};
use sam_agent_terminals::{Spec, Terminals};
use sam_contract::ids::{Id as _, TerminalId};
use sam_contract::terminal::Size;
use tempfile::TempDir;
use tokio::process::Child;

use crate::client::PATIENCE;

/// The binary named by `SAM_SUPERVISOR_BIN`, or built here.
pub fn binary() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    if let Some(named) = std::env::var_os("SAM_SUPERVISOR_BIN") {
        return Ok(named.into());
    }
    let built = BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    built.clone().map_err(anyhow::Error::msg)
}

fn build() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(&root)
        .args(["build", "--quiet", "--package", "sam-supervisor"]);
    command.args(["--profile", "supervisor", "--target", &target]);
    let status = command.status().context("starting cargo")?;
    if !status.success() {
        bail!("the supervisor does not build for {target}: is `rustup target add {target}` done?");
    }
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(folder.join(target).join("supervisor/sam-supervisor"))
}

/// A supervisor in a folder of its own; both go when the value is dropped.
pub struct Supervisor {
    child: Child,
    /// Its terminals.
    pub terminals: Terminals,
    folder: TempDir,
}

impl Supervisor {
    /// Starts one and waits until it answers.
    pub async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("supervisor.sock");
        let mut command = tokio::process::Command::new(binary()?);
        command.arg("serve").arg("--socket").arg(&socket);
        command.stdout(std::process::Stdio::null()).kill_on_drop(true);
        let child = command.spawn().context("starting the supervisor")?;
        let terminals = Terminals::new(&socket);
        terminals.ready(PATIENCE).await?;
        Ok(Self {
            child,
            terminals,
            folder,
        })
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("supervisor.sock")
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// SIGKILL.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// A terminal running `script` in `/bin/sh`.
    pub async fn shell(&self, script: &str) -> Result<TerminalId> {
        shell(&self.terminals, script).await
    }
}

/// A terminal running `script` in `/bin/sh`, named `shell`.
pub async fn shell(terminals: &Terminals, script: &str) -> Result<TerminalId> {
    let spec = spec(&["/bin/sh", "-c", script])?;
    Ok(terminals.create(&spec).await?.id)
}

/// A terminal of 80 × 24 with a new id.
pub fn spec(argv: &[&str]) -> Result<Spec> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(Spec {
        id: TerminalId::from_parts(1, u128::from_be_bytes(random)),
        name: "shell".to_owned(),
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        cwd: "/".to_owned(),
        env: Vec::new(),
        size: Size::DEFAULT,
        user: None,
    })
}

/// Resident memory of a process in KiB.
pub fn resident_kib(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
