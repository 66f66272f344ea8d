//! What every part of a running agent needs: where things are, and whom to ask.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sam_contract::ids::NodeId;
use tokio::net::UnixStream;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::control::Control;
use crate::docker::Engine;
use crate::git::credential::Sockets;
use crate::place::{Place, Places};
use crate::state::StateDir;
use crate::store::Store;
use crate::warm::Warm;

/// Shared by all tasks of one agent.
pub(crate) struct Context {
    /// The node that this is.
    pub node: NodeId,
    /// The folder.
    pub state: StateDir,
    /// Workspaces' slots.
    pub places: Places,
    /// The database.
    pub store: Store,
    /// The control plane.
    pub control: Control,
    /// Its clock.
    pub clock: Clock,
    /// Docker.
    pub engine: Engine,
    /// Image of containers that name no other.
    pub base_image: String,
    /// The supervisor's binary.
    pub supervisor: PathBuf,
    /// On which workspaces' git asks for credentials.
    pub credentials: Sockets,
    /// Containers made in advance.
    pub warm: Warm,
    /// Something to report has changed.
    pub changed: Notify,
}

/// The context as it is passed around.
pub(crate) type Shared = Arc<Context>;

/// The process that answers on a place's supervisor socket, as this machine numbers it: in a container it is number 1
/// there, and its namespaces are the container's.
pub(crate) async fn supervisor_pid(place: &Place) -> Option<i32> {
    let connected = tokio::time::timeout(Duration::from_secs(1), crate::socket::connect(&place.supervisor())).await;
    let stream: UnixStream = connected.ok()?.ok()?;
    stream.peer_cred().ok()?.pid()
}

/// Waits until a supervisor answers.
pub(crate) async fn supervisor_answers(place: &Place, within: Duration) -> Option<i32> {
    let deadline = tokio::time::Instant::now() + within;
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(pid) = supervisor_pid(place).await {
            return Some(pid);
        }
        if tokio::time::Instant::now() >= deadline {
            return None;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}
