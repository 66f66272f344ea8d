//! The Docker engine: images, the node's network, and containers with their labels. It is asked anew each time: what the
//! agent remembers about containers is a hint, the labels are the truth.
//!
//! | label | |
//! |---|---|
//! | `sam.node` | the node whose agent made it |
//! | `sam.slot` | the slot whose folders are mounted |
//! | `sam.image` | the image as it was named |
//! | `sam.workspace`, `sam.attempt` | made for that workspace; absent on one made in advance |

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};
use sam_contract::ids::NodeId;

pub(crate) mod container;
pub(crate) mod image;
pub(crate) mod network;

/// Answers to ordinary questions come by then; long ones (pulls) are streams with their own limits.
const PATIENCE_S: u64 = 120;

/// The engine's door. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Engine {
    socket: PathBuf,
    node: NodeId,
    client: Arc<Mutex<Option<Docker>>>,
}

/// Why the engine did not do something.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// There is none.
    #[error("no Docker engine at {0}: install and start Docker on the node, or use process isolation")]
    Absent(PathBuf),
    /// It refuses, or does not answer.
    #[error("Docker: {0}")]
    Failed(String),
}

impl From<bollard::errors::Error> for EngineError {
    fn from(error: bollard::errors::Error) -> Self {
        match error {
            bollard::errors::Error::DockerResponseServerError { message, .. } => Self::Failed(message),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// Whether Docker says that the thing does not exist.
fn not_found(error: &bollard::errors::Error) -> bool {
    matches!(
        error,
        bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }
    )
}

impl Engine {
    /// The engine behind that socket, for that node.
    pub(crate) fn new(socket: PathBuf, node: NodeId) -> Self {
        Self {
            socket,
            node,
            client: Arc::default(),
        }
    }

    /// Whether there is an engine at all, answering or not.
    pub(crate) fn exists(&self) -> bool {
        self.socket.exists()
    }

    /// A client that speaks a version which the engine understands.
    async fn client(&self) -> Result<Docker, EngineError> {
        if !self.exists() {
            return Err(EngineError::Absent(self.socket.clone()));
        }
        let known = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(client) = known {
            return Ok(client);
        }
        let path = self.socket.to_string_lossy();
        let client = Docker::connect_with_unix(&path, PATIENCE_S, API_DEFAULT_VERSION)?;
        let client = tokio::time::timeout(Duration::from_secs(10), client.negotiate_version())
            .await
            .map_err(|_| EngineError::Failed("the engine does not answer".to_owned()))??;
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        Ok(client)
    }

    /// The engine's version; none when it does not answer.
    pub(crate) async fn version(&self) -> Option<String> {
        let client = self.client().await.ok()?;
        let version = tokio::time::timeout(Duration::from_secs(10), client.version()).await;
        version.ok()?.ok()?.version
    }

    /// Waits until the engine answers: after a reboot it may come up later than the agent.
    pub(crate) async fn answers(&self, within: Duration) -> Result<(), EngineError> {
        let deadline = tokio::time::Instant::now() + within;
        loop {
            let error = match self.client().await {
                Ok(client) => match client.ping().await {
                    Ok(_) => return Ok(()),
                    Err(error) => EngineError::from(error),
                },
                Err(error) => error,
            };
            if tokio::time::Instant::now() >= deadline {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}
