//! What the host beside us asks and tells.

use sam_contract::error::ErrorCode;
use sam_contract::http::edge::{LocalNode, TunnelChange};
use sam_contract::ids::AccountId;
use sam_contract::route::{Body, NoContent};
use sam_domain::nodes::{self as rules, Event, Status};
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::effects::{self, Cause};
use sam_kit::error::ApiError;
use sam_kit::ids;
use sam_kit::reply::Reply;

use super::joining::{Command, command, new_row};
use super::{By, alter};
use crate::store::nodes::{self, Change, NodeRow};

/// Name of the node that is the host's own machine.
const NAME: &str = "This machine";

/// `POST /_work/tunnel`
pub(crate) async fn tunnel_change((): (), call: Call<Body<TunnelChange>>) -> Result<Reply<NoContent>, ApiError> {
    let Body(TunnelChange {
        node_id,
        epoch,
        connected,
    }) = call.input;
    let event = Event::Tunnel { epoch, open: connected };
    let (_, written) = alter(by(&call, None), node_id, event, |_| Change::default()).await?;
    Ok(Reply::new(NoContent).wake(written.wakes()))
}

fn by<I>(call: &Call<I>, account: Option<AccountId>) -> By {
    By {
        account,
        actor: None,
        request: call.request_id,
        now: call.now,
    }
}

/// `POST /_work/local-node`: the host asks when it has no identity to join with. The node that is there already is
/// joined again, with another key.
pub(crate) async fn local_node((): (), call: Call<()>) -> Result<Reply<LocalNode>, ApiError> {
    let command = command(call.now).await?;
    if let Some(row) = nodes::local(&CORE).await? {
        let change = Change {
            command: Some((command.hash, command.expires_at)),
            ..Change::default()
        };
        let event = Event::CommandMade {
            expires_at: command.expires_at,
        };
        let (_, written) = alter(by(&call, None), row.id, event, |_| change.clone()).await?;
        return Ok(Reply::new(answer(&row, command)).wake(written.wakes()).about(&row.id));
    }
    let account = operator().await?.ok_or_else(|| {
        ApiError::new(
            ErrorCode::NotReady,
            "Nobody has signed in yet: this machine joins once there is an administrator whose it can be.",
        )
    })?;
    let row = NodeRow {
        is_local: true,
        ..new_row(ids::new()?, account, NAME.to_owned(), &command, call.now)
    };
    let cause = Cause {
        now: call.now,
        account,
        actor: None,
        request: Some(call.request_id),
    };
    let written = effects::write(&rules::news(&row.id.to_string(), Status::Pending), &cause)?;
    // The operator's own machine is not counted against a limit that the operator has set.
    if !nodes::insert(&CORE, &row, command.hash, i64::MAX, &written).await? {
        return Err(ApiError::internal("the local node was not made"));
    }
    Ok(Reply::new(answer(&row, command)).wake(written.wakes()).about(&row.id))
}

fn answer(row: &NodeRow, command: Command) -> LocalNode {
    LocalNode {
        node_id: row.id,
        token: command.token,
        expires_at: command.expires_at,
    }
}

/// The account of the superadministrator of longest standing: whoever runs the host.
async fn operator() -> Result<Option<AccountId>, ApiError> {
    Ok(sam_kit::views::users::operator_account(&CORE).await?)
}
