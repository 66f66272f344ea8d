//! Starting `sam-host up`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::process::Running;

/// The repository's root folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The binary that `cargo xtask test` built and named, or the one in the target directory.
fn binary() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("SAM_HOST_BIN") {
        return Ok(named.into());
    }
    let built = root().join("target/debug/sam-host");
    if !built.is_file() {
        bail!(
            "{} is not built: run `cargo xtask test rust`, which builds it",
            built.display()
        );
    }
    Ok(built)
}

/// `sam-host`, without what names programs to the tests: it refuses settings that it does not know.
pub fn command() -> Result<Command> {
    let mut command = Command::new(binary()?);
    for ours in ["SAM_HOST_BIN", "SAM_AGENT_BIN", "SAM_SUPERVISOR_BIN"] {
        command.env_remove(ours);
    }
    Ok(command)
}

/// The agent with its supervisor, as `cargo xtask` stages it for download.
pub fn agent() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("SAM_AGENT_BIN") {
        return Ok(named.into());
    }
    let arch = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    let staged = root().join(format!("target/agent/linux-{arch}/sam-agent"));
    let staged = staged.canonicalize();
    staged.context("no agent is staged in target/agent: run `cargo xtask test rust`, which does it")
}

/// One cache of compiled components for all tests of a run: it is keyed by content and engine version.
fn cache_dir() -> PathBuf {
    root().join("target/test-artifact-cache")
}

pub(crate) async fn start(
    data: &Path,
    address: Option<&str>,
    agent: Option<&Path>,
) -> Result<(Running, String, String)> {
    let mut command = command()?;
    command.current_dir(root()).args([
        "up",
        "--no-open",
        "--manifest",
        "spin.toml",
        "--admin-listen",
        "127.0.0.1:0",
    ]);
    command
        .args(["--listen", address.unwrap_or("127.0.0.1:0")])
        .arg("--data-dir")
        .arg(data);
    command.arg("--cache-dir").arg(cache_dir());
    match agent {
        Some(agent) => command.arg("--agent-bin").arg(agent),
        None => command.arg("--no-local-node"),
    };
    let mut running = Running::start(&mut command)?;
    let origin = running.line("ready: ").await?;
    let login = running.line("login: ").await?;
    let (_, token) = login
        .split_once('#')
        .with_context(|| format!("no fragment in the login link `{login}`"))?;
    Ok((running, origin, token.to_owned()))
}
