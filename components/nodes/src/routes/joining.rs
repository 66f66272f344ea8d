//! How a machine joins: the command that is printed, and its redemption.

use sam_contract::agent::enrol::{Enrol, Enrolled};
use sam_contract::http::nodes::{CreateNode, NewNode};
use sam_contract::ids::NodeId;
use sam_contract::route::{Body, Created, Path};
use sam_contract::settings::{ENROL_MINUTES, NODES_MAX};
use sam_domain::nodes::{self as rules, Event, Status};
use sam_domain::secrets::{self, SecretHash};
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::effects::{self, Cause};
use sam_kit::error::ApiError;
use sam_kit::guard::{Principal, machine};
use sam_kit::reply::{Reply, Wake};
use sam_kit::{ids, settings};

use super::people::{by, shown};
use super::{TRIES, alter, sentence};
use crate::install;
use crate::store::nodes::{self, Change, NodeRow};

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// A new command: its token, what is kept of it, and until when it is valid.
pub(super) struct Command {
    pub(super) token: String,
    pub(super) hash: SecretHash,
    pub(super) expires_at: i64,
}

pub(super) async fn command(now: i64) -> Result<Command, ApiError> {
    let token = secrets::opaque(ids::entropy()?);
    let hash = secrets::opaque_hash(&token).ok_or_else(|| ApiError::internal("a new token has no hash"))?;
    let life_ms = settings::count(&ENROL_MINUTES).await? * MINUTE_MS;
    Ok(Command {
        token,
        hash,
        expires_at: now.saturating_add(life_ms),
    })
}

pub(super) fn new_row(
    id: NodeId,
    account_id: sam_contract::ids::AccountId,
    name: String,
    command: &Command,
    now: i64,
) -> NodeRow {
    NodeRow {
        id,
        account_id,
        name,
        is_local: false,
        state: rules::new(command.expires_at),
        public_key: None,
        enrol_expires_at: Some(command.expires_at),
        enrol_key: None,
        epoch: 0,
        machine: None,
        created_at: now,
        version: 1,
    }
}

/// `POST /api/nodes`
pub(crate) async fn create(who: Principal, call: Call<Body<CreateNode>>) -> Result<Reply<Created<NewNode>>, ApiError> {
    let Body(wish) = &call.input;
    let name = rules::name(&wish.name).map_err(|problem| ApiError::bad_request(format!("name: {problem}")))?;
    let command = command(call.now).await?;
    let row = new_row(ids::new()?, who.account_id, name, &command, call.now);
    let cause = Cause {
        now: call.now,
        account: who.account_id,
        actor: Some(who.user_id),
        request: Some(call.request_id),
    };
    let written = effects::write(&rules::news(&row.id.to_string(), Status::Pending), &cause)?;
    let nodes_max = settings::count(&NODES_MAX).await?;
    if !nodes::insert(&CORE, &row, command.hash, nodes_max, &written).await? {
        return Err(ApiError::conflict(format!(
            "{nodes_max} nodes are as many as one account may have: delete one first."
        )));
    }
    let made = printed(&who, &call, row.id, command).await?;
    Ok(Reply::new(made).wake(written.wakes()).about(&row.id))
}

/// `POST /api/nodes/{id}/token`
pub(crate) async fn another_command(
    who: Principal,
    call: Call<Path<NodeId>>,
) -> Result<Reply<Created<NewNode>>, ApiError> {
    let Path(id) = call.input;
    let row = nodes::show(&CORE, who.account_id, id)
        .await?
        .ok_or_else(ApiError::not_found)?;
    if row.node.state.status != Status::Pending {
        return Err(ApiError::conflict(sentence(&rules::Refusal::Joined)));
    }
    let command = command(call.now).await?;
    let change = Change {
        command: Some((command.hash, command.expires_at)),
        ..Change::default()
    };
    let event = Event::CommandMade {
        expires_at: command.expires_at,
    };
    let (_, written) = alter(by(&who, &call), id, event, |_| change.clone()).await?;
    let made = printed(&who, &call, id, command).await?;
    Ok(Reply::new(made).wake(written.wakes()))
}

async fn printed<I>(
    who: &Principal,
    call: &Call<I>,
    id: NodeId,
    command: Command,
) -> Result<Created<NewNode>, ApiError> {
    let line = install::command(&call.site, &command.token)?;
    Ok(Created(NewNode {
        node: shown(who, id, call.now).await?,
        command: line,
        token: command.token,
        expires_at: command.expires_at,
    }))
}

/// `POST /api/agent/v1/enrol`
pub(crate) async fn enrol((): (), call: Call<Body<Enrol>>) -> Result<Reply<Enrolled>, ApiError> {
    let Body(wish) = &call.input;
    let key = machine::public_key(&wish.public_key).ok_or_else(|| {
        ApiError::bad_request("public_key: 32 bytes of an Ed25519 key in base64url without padding are expected")
    })?;
    let hash = secrets::opaque_hash(&wish.token).ok_or_else(unknown)?;
    let machine = serde_json::to_string(&wish.machine).map_err(|error| ApiError::internal(error.to_string()))?;
    let change = Change {
        key: Some(key),
        machine: Some(machine),
        ..Change::default()
    };
    let answer = |row: NodeRow| {
        let enrolled = Enrolled {
            node_id: row.id,
            name: row.name,
            server_time: call.now,
        };
        Reply::new(enrolled).about(&row.id)
    };
    for _ in 0..TRIES {
        let row = nodes::by_command(&CORE, hash).await?.ok_or_else(unknown)?;
        match row.enrol_key {
            // The answer was lost, and the agent asks again.
            Some(used) if used == key => return Ok(answer(row)),
            Some(_) => return Err(refused("This command was used already. Make another one.")),
            None => {}
        }
        if row.enrol_expires_at.is_none_or(|at| at <= call.now) {
            return Err(refused("This command has expired. Make another one."));
        }
        let decided = rules::step(row.state, Event::Enrolled, &row.id.to_string(), call.now);
        let (next, brought) = decided.map_err(|_| unknown())?;
        let cause = Cause {
            now: call.now,
            account: row.account_id,
            actor: None,
            request: Some(call.request_id),
        };
        let written = effects::write(&brought, &cause)?;
        // Two machines with one command: the version lets one through, and the other finds its key.
        if nodes::change(&CORE, &row, &next, &change, call.now, &written).await? {
            // An agent under an older key learns at once that it is none any more.
            let wakes = [Wake::Node(row.id)];
            return Ok(answer(row).wake(written.wakes()).wake(&wakes));
        }
    }
    Err(ApiError::conflict(
        "This node changes too often just now: run the command again.",
    ))
}

fn unknown() -> ApiError {
    refused("This command is not known here, or a newer one was made. Make another one.")
}

fn refused(message: &str) -> ApiError {
    ApiError::new(sam_contract::error::ErrorCode::Unauthorized, message)
}
