//! Handlers: those of people, of agents, of the edge; and what is answered by a node.

pub(crate) mod admission;
pub(crate) mod agents;
pub(crate) mod create;
pub(crate) mod forwards;
pub(crate) mod people;
pub(crate) mod tickets;

use std::fmt::Display;

use sam_contract::settings::WORKSPACE_DOMAIN;
use sam_kit::error::ApiError;
use sam_kit::settings;
use sam_kit::site::Site;

/// An error of `domain` as a person reads it: a sentence of its own.
pub(crate) fn sentence(error: &impl Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// Below which domain workspaces have their hosts, with the port: as the operator set it, else our own host; on
/// loopback `localhost`, below which names reach this machine too.
pub(crate) async fn domain(site: &Site) -> Result<String, ApiError> {
    let set = settings::text(&WORKSPACE_DOMAIN).await?;
    if !set.is_empty() {
        return Ok(set);
    }
    let origin = site.origin().ok_or_else(|| {
        ApiError::bad_request("Under which address this site is reached cannot be told: set `public_url`.")
    })?;
    let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
    if !site.is_loopback() {
        return Ok(authority.to_owned());
    }
    let port = authority
        .rsplit_once(':')
        .filter(|(_, port)| port.parse::<u16>().is_ok());
    Ok(port.map_or_else(|| "localhost".to_owned(), |(_, port)| format!("localhost:{port}")))
}
