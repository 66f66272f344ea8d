//! Process isolation: a supervisor as a detached child, with an environment of its own. Not a boundary: its processes are
//! the agent's user. What they get of the agent is its user id and nothing else.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use sam_contract::ids::WorkspaceId;
use tokio::process::Command;
use tokio::time::timeout;

use crate::place::Place;

/// The supervisor answers by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts the workspace's supervisor unless one answers. It outlives the agent.
pub(crate) async fn start(supervisor: &Path, id: WorkspaceId, place: &Place) -> Result<(), String> {
    let mut command = Command::new(supervisor);
    command
        .arg("serve")
        .arg("--socket")
        .arg(place.supervisor())
        .arg("--daemonize")
        .arg("--pid-file")
        .arg(place.run().join("supervisor.pid"))
        .env_clear()
        .envs(env(id, place))
        .current_dir(place.repo())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        // Not a pipe: the supervisor would keep it open.
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let failed = |why: &str| format!("the supervisor {} did not start: {why}", supervisor.display());
    let status = timeout(PATIENCE, command.status())
        .await
        .map_err(|_| failed("it does not answer"))?
        .map_err(|error| failed(&error.to_string()))?;
    if status.success() {
        Ok(())
    } else {
        Err(failed(&format!("it ended with {status}")))
    }
}

/// What its processes find in their environment.
fn env(id: WorkspaceId, place: &Place) -> Vec<(String, String)> {
    let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
    let mut env = vec![
        ("PATH".to_owned(), path),
        ("HOME".to_owned(), place.home().to_string_lossy().into_owned()),
        ("USER".to_owned(), user.clone()),
        ("LOGNAME".to_owned(), user),
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ("SAM_WORKSPACE".to_owned(), id.to_string()),
    ];
    env.extend(crate::boot::env::git(&place.run().to_string_lossy()));
    env
}
