//! Joining: a one-time token becomes this machine's identity.

use std::path::PathBuf;

use http::Method;
use sam_contract::agent::enrol::{Enrol, Enrolled};
use url::Url;

use crate::clock::Clock;
use crate::control::{Control, ControlError};
use crate::identity::{Identity, IdentityError};
use crate::machine::machine;
use crate::state::StateDir;

/// Why a machine did not join.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// It is a node of another control plane.
    #[error("this machine already belongs to {0}: remove its state directory first, or use another --state-dir")]
    Elsewhere(Url),
    /// The identity cannot be kept.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The control plane refuses.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// Redeems the token, and writes down what it was redeemed for. Repeating it after a lost answer gives the same node; a
/// machine that has joined already stays what it is.
pub async fn enrol(state: &StateDir, url: Url, ca_file: Option<PathBuf>, token: &str) -> Result<Enrolled, EnrolError> {
    let identity = match Identity::load(state)? {
        Some(known) if known.url != url => return Err(EnrolError::Elsewhere(known.url)),
        Some(known) => known,
        None => {
            let new = Identity::new(url, ca_file).map_err(IdentityError::from)?;
            // Before the token is spent: if the answer is lost, the same key asks again.
            new.save(state)?;
            new
        }
    };
    let ask = Enrol {
        token: token.trim().to_owned(),
        public_key: identity.public_key(),
        machine: machine(),
    };
    let mut nameless = identity.clone();
    nameless.node = None;
    let control = Control::new(nameless, Clock::default());
    let enrolled: Enrolled = control.send(Method::POST, "/api/agent/v1/enrol", &ask).await?;
    let joined = Identity {
        node: Some(enrolled.node_id),
        ..identity
    };
    joined.save(state)?;
    Ok(enrolled)
}
