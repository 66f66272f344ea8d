//! Git's credentials, fetched from the control plane at the moment git asks, and kept nowhere.
//!
//! The agent plays the daemon of git's own `credential-cache` on a socket of each workspace: every git has the client
//! built in, so nothing has to be installed in a container. Inside a workspace the helper is
//! `cache --socket /.sam/run/git.sock`. One request per connection: `key=value` lines up to the end of the input,
//! answered by `username` and `password` lines, or by nothing. To store and to erase mean nothing here.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::Method;
use sam_contract::agent::outbox::{AskCredential, GitCredential};
use sam_contract::ids::WorkspaceId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, warn};

use crate::control::Control;
use crate::place::Place;
use crate::socket::listen;

/// A request of git is a few lines.
const REQUEST_BYTES_MAX: u64 = 16 * 1024;
/// Git and its user wait for the answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The sockets of all workspaces.
#[derive(Default)]
pub(crate) struct Sockets {
    open: Mutex<HashMap<WorkspaceId, AbortOnDropHandle<()>>>,
}

impl Sockets {
    /// Serves the workspace's socket, unless it does already.
    pub(crate) fn open(&self, workspace: WorkspaceId, place: &Place, control: &Control) -> std::io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Vacant(free) = open.entry(workspace) {
            free.insert(serve(&place.run().join("git.sock"), workspace, control.clone())?);
        }
        Ok(())
    }

    /// No longer serves it.
    pub(crate) fn close(&self, workspace: WorkspaceId) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&workspace);
    }
}

fn serve(path: &Path, workspace: WorkspaceId, control: Control) -> std::io::Result<AbortOnDropHandle<()>> {
    // Every process of the workspace may ask, whoever it runs as: the credential is the workspace's.
    let listener = listen(path, 0o666)?;
    let serve = async move {
        while let Ok((stream, _)) = listener.accept().await {
            let control = control.clone();
            tokio::spawn(async move {
                if let Err(error) = timeout(PATIENCE, answer(stream, workspace, &control)).await {
                    debug!(%workspace, %error, "a git credential was not fetched in time");
                }
            });
        }
    };
    Ok(AbortOnDropHandle::new(tokio::spawn(serve)))
}

async fn answer(mut stream: UnixStream, workspace: WorkspaceId, control: &Control) {
    let mut request = String::new();
    let (reader, mut writer) = stream.split();
    if reader
        .take(REQUEST_BYTES_MAX)
        .read_to_string(&mut request)
        .await
        .is_err()
    {
        return;
    }
    let Some(ask) = parse(&request, workspace) else { return };
    let fetched = control
        .send::<_, GitCredential>(Method::POST, "/api/agent/v1/git-credential", &ask)
        .await;
    match fetched {
        Ok(credential) if plain(&credential.username) && plain(&credential.password) => {
            let text = format!("username={}\npassword={}\n", credential.username, credential.password);
            let _ = writer.write_all(text.as_bytes()).await;
        }
        Ok(_) => warn!(%workspace, "the credential contains a line break and cannot be given to git"),
        Err(error) => debug!(%workspace, host = ask.host, %error, "no git credential"),
    }
}

fn plain(value: &str) -> bool {
    !value.contains(['\n', '\0'])
}

fn parse(request: &str, workspace: WorkspaceId) -> Option<AskCredential> {
    let fields: HashMap<_, _> = request.lines().filter_map(|line| line.split_once('=')).collect();
    if fields.get("action") != Some(&"get") {
        return None;
    }
    Some(AskCredential {
        workspace,
        protocol: (*fields.get("protocol")?).to_owned(),
        host: (*fields.get("host")?).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sam_contract::ids::Id;

    #[test]
    fn only_a_get_is_asked_for() {
        let id = WorkspaceId::from_parts(1, 1);
        let ask = parse(
            "action=get\ntimeout=900\nprotocol=https\nhost=git.example.org:8443\npath=a=b\n",
            id,
        )
        .unwrap();
        assert_eq!(
            (ask.protocol.as_str(), ask.host.as_str()),
            ("https", "git.example.org:8443")
        );
        assert!(parse("action=store\nprotocol=https\nhost=x\nusername=u\npassword=p\n", id).is_none());
        assert!(parse("action=get\nprotocol=https\n", id).is_none());
    }
}
