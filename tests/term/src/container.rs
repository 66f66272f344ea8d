//! A container without anything but busybox, with the supervisor bind-mounted as its PID 1.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use sam_agent_terminals::Terminals;
use tempfile::TempDir;

use crate::client::PATIENCE;
use crate::supervisor::binary;

/// The image made here.
const IMAGE: &str = "sam-tests-term-busybox";

/// A running container; removed when dropped.
pub struct Container {
    id: String,
    folder: TempDir,
    /// What runs in it.
    pub terminals: Terminals,
}

/// Whether an engine answers.
#[must_use]
pub fn docker_answers() -> bool {
    let output = Command::new("docker")
        .args(["version", "--format", "{{.Server.Version}}"])
        .output();
    output.is_ok_and(|output| output.status.success())
}

impl Container {
    /// Makes the image if it is missing, and starts a container.
    pub async fn start() -> Result<Self> {
        image()?;
        let folder = tempfile::tempdir()?;
        let run = folder.path().join("run");
        std::fs::create_dir(&run)?;
        let binary = binary()?.canonicalize()?;
        let mounts = [
            format!("{}:/.sam/supervisor:ro", binary.display()),
            format!("{}:/.sam/run", run.display()),
        ];
        let mut start = Command::new("docker");
        start.args(["run", "--detach", "--network", "none"]);
        for mount in &mounts {
            start.args(["--volume", mount]);
        }
        start.args(["--entrypoint", "/.sam/supervisor", IMAGE]);
        start.args(["serve", "--socket", "/.sam/run/supervisor.sock"]);
        let id = said(&mut start)?;
        let terminals = Terminals::new(run.join("supervisor.sock"));
        let container = Self { id, folder, terminals };
        container
            .terminals
            .ready(PATIENCE)
            .await
            .context("waiting for the supervisor in the container")?;
        Ok(container)
    }

    /// Where its socket is on this side.
    #[must_use]
    pub fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("run/supervisor.sock")
    }

    /// Stops it as `docker stop` does; returns how long that took.
    pub fn stop(&self) -> Result<std::time::Duration> {
        let began = std::time::Instant::now();
        said(Command::new("docker").args(["stop", &self.id]))?;
        Ok(began.elapsed())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // Nothing can be done about a container that does not go; the next look at `docker ps -a` shows it.
        drop(
            Command::new("docker")
                .args(["rm", "--force", "--volumes", &self.id])
                .output(),
        );
    }
}

/// Debian's static busybox with its applets as links, by `docker import`.
fn image() -> Result<()> {
    if Command::new("docker")
        .args(["image", "inspect", IMAGE])
        .output()?
        .status
        .success()
    {
        return Ok(());
    }
    let busybox = Path::new("/bin/busybox");
    if !busybox.is_file() {
        bail!("a static busybox is needed for the image: apt-get install busybox-static");
    }
    let root = tempfile::tempdir()?;
    for folder in ["bin", "proc", "sys", "dev", "tmp", "etc", ".sam/run"] {
        std::fs::create_dir_all(root.path().join(folder))?;
    }
    std::fs::write(root.path().join(".sam/supervisor"), "")?;
    std::fs::copy(busybox, root.path().join("bin/busybox"))?;
    for applet in [
        "sh", "stty", "cat", "sleep", "ps", "echo", "printf", "yes", "tty", "id", "kill",
    ] {
        std::os::unix::fs::symlink("busybox", root.path().join("bin").join(applet))?;
    }
    let folder = root.path().display();
    let import = format!("tar -C '{folder}' -c . | docker import - {IMAGE}");
    said(Command::new("sh").args(["-c", &import])).map(drop)
}

fn said(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("running {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
