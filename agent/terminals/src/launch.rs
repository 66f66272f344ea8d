//! Starting a supervisor beside the agent, for workspaces without a container.

use std::io;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

/// Starts a supervisor that outlives the agent and returns once it listens on `socket`. One that serves the socket
/// already is left alone.
pub async fn launch_detached(binary: &Path, socket: &Path, pid_file: &Path) -> io::Result<()> {
    let output = Command::new(binary)
        .arg("serve")
        .arg("--socket")
        .arg(socket)
        .arg("--daemonize")
        .arg("--pid-file")
        .arg(pid_file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        // Not a pipe: the background process inherits it and would keep it open.
        .stderr(Stdio::null())
        .status()
        .await?;
    if output.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!(
            "the supervisor on {} ended at once: {output}",
            socket.display()
        )))
    }
}
