//! The script that makes a machine a node, and the command that runs it.
//!
//! The command carries the digest of the list of digests: whoever copies it from the page knows by it what is
//! installed, whatever became of the script or the download on the way. The token goes to the agent by its standard
//! input, so that it stands in no process list once the script runs.

use sam_kit::error::ApiError;
use sam_kit::site::Site;
use sha2::{Digest, Sha256};

use crate::binaries;

const SCRIPT: &str = include_str!("install/install.sh");

fn origin(site: &Site) -> Result<String, ApiError> {
    let origin = site.origin().filter(|origin| is_plain(origin));
    origin.ok_or_else(|| {
        ApiError::bad_request("Under which address this site is reached cannot be told: set `public_url`.")
    })
}

/// Nothing that a shell would read as anything but text inside single quotes.
fn is_plain(origin: &str) -> bool {
    origin
        .chars()
        .all(|c| c.is_ascii_graphic() && !matches!(c, '\'' | '"' | '\\' | '`' | '$'))
}

/// For a shell on the machine.
pub(crate) fn command(site: &Site, token: &str) -> Result<String, ApiError> {
    let origin = origin(site)?;
    let sums = digest(&binaries::sums(binaries::all()));
    Ok(format!(
        "curl -fsSL '{origin}/api/agent/install' | sh -s -- --token {token} --sha256 {sums}"
    ))
}

/// The script, for whoever reaches this site under this address.
pub(crate) fn script(site: &Site) -> Result<String, ApiError> {
    Ok(filled(&origin(site)?, &binaries::sums(binaries::all())))
}

fn filled(origin: &str, sums: &str) -> String {
    SCRIPT.replace("@ORIGIN@", origin).replace("@SUMS@", sums.trim_end())
}

fn digest(text: &str) -> String {
    binaries::hex(&Sha256::digest(text.trim_end().as_bytes()))
}

#[cfg(test)]
mod tests;
