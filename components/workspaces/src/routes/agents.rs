//! What agents tell of starts, and the credentials that their git asks for.

use sam_contract::agent::auth::Superseded;
use sam_contract::agent::outbox::{AskCredential, ENTRIES_MAX, GitCredential, Outbox, Taken};
use sam_contract::route::Body;
use sam_domain::sealed::GIT_CREDENTIAL;
use sam_domain::workspaces::{Desire, repository};
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::error::ApiError;
use sam_kit::guard::NodePrincipal;
use sam_kit::reply::{Reply, Wake};
use sam_kit::seal;
use serde_json::json;

use crate::store::{steps, workspaces};

/// `POST /api/agent/v1/events`
pub(crate) async fn events(who: NodePrincipal, call: Call<Body<Outbox>>) -> Result<Reply<Taken>, ApiError> {
    let Body(Outbox { epoch, entries }) = &call.input;
    if *epoch < who.epoch {
        let superseded = Superseded {
            stale_epoch: Some(who.epoch),
        };
        return Err(
            ApiError::conflict("A newer process of this agent runs: this one has to end.")
                .with_details(json!(superseded)),
        );
    }
    // The rest stays in the outbox, and comes with the next request.
    let taken = entries.get(..ENTRIES_MAX.min(entries.len())).unwrap_or_default();
    let news = steps::keep(&CORE, who.node_id, who.account_id, taken, call.now).await?;
    let reply = Reply::new(Taken {
        entries: u32::try_from(taken.len()).unwrap_or_default(),
        server_time: call.now,
    });
    Ok(if news {
        reply.wake(&[Wake::Account(who.account_id)])
    } else {
        reply
    })
}

/// `POST /api/agent/v1/git-credential`: for a workspace on the asking node, and for its repository's own host only.
pub(crate) async fn credential(who: NodePrincipal, call: Call<Body<AskCredential>>) -> Result<GitCredential, ApiError> {
    let Body(ask) = &call.input;
    let row = workspaces::find(&CORE, ask.workspace)
        .await?
        .filter(|row| row.node_id == who.node_id);
    let row = row
        .filter(|row| row.state.desire != Desire::Deleted)
        .ok_or_else(ApiError::not_found)?;
    let place = row
        .spec
        .repository
        .as_deref()
        .and_then(|url| repository::read(url).ok());
    let asked = (ask.protocol.to_ascii_lowercase(), ask.host.to_ascii_lowercase());
    if place.and_then(|place| place.asks) != Some(asked) {
        return Err(ApiError::not_found());
    }
    let sealed = workspaces::credential(&CORE, row.id)
        .await?
        .ok_or_else(ApiError::not_found)?;
    let opened = seal::open(&GIT_CREDENTIAL, row.id, &sealed).await?;
    // The text of the parser could hold the secret: it goes nowhere.
    serde_json::from_slice(&opened).map_err(|_| ApiError::internal("a sealed credential is not what was sealed"))
}
