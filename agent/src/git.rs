//! Git as the agent runs it: without prompts, without a user's configuration, only to known kinds of places.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use sam_agent_domain::remote::ALLOWED;
use tokio::process::{Child, Command};

use crate::state::StateDir;

pub(crate) mod clone;
pub(crate) mod credential;
pub(crate) mod remote;

/// What the agent's own git reads instead of `~/.gitconfig`: repositories of the node belong to whoever they belong to, and
/// may be cloned all the same.
const CONFIG: &str = "[safe]\n\tdirectory = *\n[advice]\n\tdetachedHead = false\n";

/// Writes the configuration; once per start of the agent.
pub(crate) fn prepare(state: &StateDir) -> io::Result<()> {
    crate::state::write_atomically(&state.gitconfig(), CONFIG.as_bytes(), 0o600)
}

/// A git command that asks nobody anything.
pub(crate) fn command(state: &StateDir) -> Command {
    let mut git = Command::new("git");
    git.env_clear();
    for name in ["PATH", "HOME", "SSH_AUTH_SOCK", "http_proxy", "https_proxy", "no_proxy"] {
        if let Some(value) = std::env::var_os(name) {
            git.env(name, value);
        }
    }
    git.env("LC_ALL", "C")
        .env("GIT_CONFIG_GLOBAL", state.gitconfig())
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ALLOW_PROTOCOL", ALLOWED)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env(
            "GIT_SSH_COMMAND",
            "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ConnectTimeout=15",
        )
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    git
}

/// Ends a command with all that it started, when it is dropped before it has ended.
pub(crate) struct Group {
    /// The command.
    pub(crate) child: Child,
    pid: Option<rustix::process::Pid>,
}

impl Group {
    /// Starts a command that leads its own process group.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.spawn()?;
        let pid = child
            .id()
            .and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
        Ok(Self { child, pid })
    }

    /// Waits for its end; nothing is killed then.
    pub(crate) async fn wait(&mut self) -> io::Result<std::process::ExitStatus> {
        let status = self.child.wait().await?;
        self.pid = None;
        Ok(status)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.pid {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Version of git, such as `2.47.3`; none where there is none.
pub(crate) async fn version() -> Option<String> {
    let output = tokio::time::timeout(Duration::from_secs(5), Command::new("git").arg("--version").output());
    let output = output.await.ok()?.ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().strip_prefix("git version ").map(str::to_owned)
}

/// Branch that a working copy is on, read without running git: the folder is the workspace's own and may say anything.
pub(crate) fn branch(repo: &Path) -> Option<String> {
    let repo = cap_std::fs::Dir::open_ambient_dir(repo, cap_std::ambient_authority()).ok()?;
    let head = crate::files::read_small(&repo, ".git/HEAD", 1024).ok()?;
    let name = String::from_utf8(head).ok()?;
    let name = name.trim().strip_prefix("ref: refs/heads/")?;
    sam_agent_domain::remote::branch(name).then(|| name.to_owned())
}
