//! Handlers: those of people, of machines that join, of agents, and of the host beside us.

pub(crate) mod agents;
pub(crate) mod downloads;
pub(crate) mod host;
pub(crate) mod joining;
pub(crate) mod people;

use std::fmt::Display;

use sam_contract::ids::{AccountId, NodeId, RequestId, UserId};
use sam_contract::settings::{NODE_STALE_SECONDS, NODE_UNREACHABLE_SECONDS};
use sam_domain::nodes::{self as rules, Event};
use sam_kit::db::CORE;
use sam_kit::effects::{self, Cause, Written};
use sam_kit::error::ApiError;
use sam_kit::settings;

use crate::store::nodes::{self, Change, NodeRow};
use crate::wire::Silence;

/// Tries to write a change before giving up: between two tries someone else has changed the same node.
const TRIES: u32 = 5;

/// An error of `domain` as a person reads it: a sentence of its own.
pub(crate) fn sentence(error: &impl Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// On whose behalf a node changes.
#[derive(Debug, Clone, Copy)]
struct By {
    /// In which account it must be; none for agents and the host, who name the node themselves.
    account: Option<AccountId>,
    actor: Option<UserId>,
    request: RequestId,
    now: i64,
}

/// Loads, decides and writes, again when someone was faster. `extra` says what is written besides the state, of the row
/// as it is then.
async fn alter(
    by: By,
    id: NodeId,
    event: Event,
    extra: impl Fn(&NodeRow) -> Change + Send + Sync,
) -> Result<(NodeRow, Written), ApiError> {
    for _ in 0..TRIES {
        let found = nodes::find(&CORE, id).await?;
        let row = found.filter(|row| by.account.is_none_or(|account| account == row.account_id));
        let row = row.ok_or_else(ApiError::not_found)?;
        let change = extra(&row);
        let decided = rules::step(row.state, event, &id.to_string(), by.now);
        let (next, mut brought) = decided.map_err(|refusal| explain(&refusal))?;
        if next == row.state && change == Change::default() {
            return Ok((row, Written::default()));
        }
        if event == Event::Renamed {
            brought = rules::news(&id.to_string(), next.status);
        }
        let cause = Cause {
            now: by.now,
            account: row.account_id,
            actor: by.actor,
            request: Some(by.request),
        };
        let written = effects::write(&brought, &cause)?;
        if nodes::change(&CORE, &row, &next, &change, by.now, &written).await? {
            return Ok((row, written));
        }
        if change.only_if_empty
            && nodes::find(&CORE, id)
                .await?
                .is_some_and(|now| now.version == row.version)
        {
            return Err(ApiError::conflict(
                "This node still has workspaces: delete them first, or forget the node with `force`, which leaves \
                 what is on the machine as it is.",
            ));
        }
    }
    Err(ApiError::conflict("This node changes too often just now: try again."))
}

fn explain(refusal: &rules::Refusal) -> ApiError {
    match refusal {
        rules::Refusal::Gone => ApiError::not_found(),
        refusal => ApiError::conflict(sentence(refusal)),
    }
}

async fn silence() -> Result<Silence, ApiError> {
    Ok(Silence {
        stale_ms: settings::count(&NODE_STALE_SECONDS).await? * 1_000,
        unhealthy_ms: settings::count(&NODE_UNREACHABLE_SECONDS).await? * 1_000,
    })
}
