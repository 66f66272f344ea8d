//! Who the agent is: its key, the node it became, and the control plane it answers to.

use std::fmt;
use std::io;
use std::path::PathBuf;

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::SigningKey;
use sam_contract::ids::NodeId;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::state::{StateDir, write_atomically};

/// Kept in `identity.json`. The key is made before the token is redeemed, so that a lost answer can be asked for again.
#[derive(Clone)]
pub struct Identity {
    /// The control plane.
    pub url: Url,
    /// Certificates to trust beside the usual ones.
    pub ca_file: Option<PathBuf>,
    /// The node; none until the token is redeemed.
    pub node: Option<NodeId>,
    /// Signs each request.
    pub key: SigningKey,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    url: Url,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca_file: Option<PathBuf>,
    node: Option<NodeId>,
    key: String,
}

/// Why there is no identity to go by.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The machine never joined.
    #[error("this machine has not joined a control plane yet: run `sam-agent enrol` with the command that SAM prints")]
    NotEnrolled,
    /// The file is damaged.
    #[error("{0} cannot be read; remove it and enrol again")]
    Damaged(PathBuf),
    /// The file system refuses.
    #[error("the identity cannot be read or written")]
    Io(#[from] io::Error),
}

impl Identity {
    /// A new key for that control plane.
    pub fn new(url: Url, ca_file: Option<PathBuf>) -> io::Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(io::Error::other)?;
        Ok(Self {
            url,
            ca_file,
            node: None,
            key: SigningKey::from_bytes(&seed),
        })
    }

    /// Reads it; none if there is none.
    pub fn load(state: &StateDir) -> Result<Option<Self>, IdentityError> {
        let path = state.identity();
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let damaged = || IdentityError::Damaged(path.clone());
        let stored: Stored = serde_json::from_slice(&text).map_err(|_| damaged())?;
        let mut seed = [0; 32];
        let decoded = Base64UrlUnpadded::decode(&stored.key, &mut seed).map_err(|_| damaged())?;
        if decoded.len() != 32 {
            return Err(damaged());
        }
        Ok(Some(Self {
            url: stored.url,
            ca_file: stored.ca_file,
            node: stored.node,
            key: SigningKey::from_bytes(&seed),
        }))
    }

    /// Writes it, for its owner's eyes only.
    pub fn save(&self, state: &StateDir) -> Result<(), IdentityError> {
        let stored = Stored {
            url: self.url.clone(),
            ca_file: self.ca_file.clone(),
            node: self.node,
            key: Base64UrlUnpadded::encode_string(self.key.as_bytes()),
        };
        let text = serde_json::to_vec_pretty(&stored).map_err(io::Error::other)?;
        write_atomically(&state.identity(), &text, 0o600)?;
        Ok(())
    }

    /// The public half, as it goes on the wire.
    pub fn public_key(&self) -> String {
        Base64UrlUnpadded::encode_string(self.key.verifying_key().as_bytes())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("url", &self.url.as_str())
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}
