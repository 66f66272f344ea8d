//! What people do with workspaces.

use sam_contract::http::workspaces::{BootLog, PatchWorkspace, Workspace, WorkspaceQuery};
use sam_contract::ids::WorkspaceId;
use sam_contract::page::{Page, page_rows};
use sam_contract::route::{Body, Path, Query};
use sam_contract::settings::WORKSPACE_START_MINUTES;
use sam_domain::workspaces::{self as rules, Event, Refusal, limits};
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::effects::{self, Cause};
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;
use sam_kit::reply::{Reply, Wake};
use sam_kit::settings;
use sam_kit::site::Site;

use super::{domain, sentence};
use crate::store::steps;
use crate::store::workspaces::{self, Change, ShownRow, WorkspaceRow};
use crate::wire;

/// Sorts after every id: where a list begins.
const NEWEST: &str = "~";

/// Tries to write a change before giving up: between two tries someone else has changed the same workspace.
const TRIES: u32 = 5;

/// Milliseconds that a start may take.
pub(crate) async fn start_ms() -> Result<i64, ApiError> {
    Ok(settings::count(&WORKSPACE_START_MINUTES).await? * 60_000)
}

/// `GET /api/workspaces`
pub(crate) async fn list(who: Principal, call: Call<Query<WorkspaceQuery>>) -> Result<Page<Workspace>, ApiError> {
    let Query(query) = &call.input;
    let limit = page_rows(query.limit);
    let before = query.cursor.as_deref().unwrap_or(NEWEST);
    let rows = workspaces::list(&CORE, who.account_id, query.node, before, limit + 1).await?;
    let page = Page::cut(rows, limit, |row| row.workspace.id.to_string());
    let domain = domain(&call.site).await?;
    Ok(Page {
        items: page
            .items
            .into_iter()
            .map(|row| wire::workspace(row, &domain))
            .collect(),
        next_cursor: page.next_cursor,
    })
}

/// A workspace of the account; a miss is 404.
pub(crate) async fn load(who: &Principal, id: WorkspaceId) -> Result<ShownRow, ApiError> {
    let row = workspaces::show(&CORE, who.account_id, id).await?;
    row.ok_or_else(ApiError::not_found)
}

pub(crate) async fn shown(who: &Principal, id: WorkspaceId, site: &Site) -> Result<Workspace, ApiError> {
    Ok(wire::workspace(load(who, id).await?, &domain(site).await?))
}

/// `GET /api/workspaces/{id}`
pub(crate) async fn get(who: Principal, call: Call<Path<WorkspaceId>>) -> Result<Workspace, ApiError> {
    shown(&who, call.input.0, &call.site).await
}

/// `GET /api/workspaces/{id}/boot`
pub(crate) async fn boot(who: Principal, call: Call<Path<WorkspaceId>>) -> Result<BootLog, ApiError> {
    let Path(id) = call.input;
    let attempt = load(&who, id).await?.workspace.state.attempt;
    Ok(BootLog {
        attempt,
        steps: steps::list(&CORE, id, attempt).await?,
    })
}

/// `PATCH /api/workspaces/{id}`
pub(crate) async fn patch(
    who: Principal,
    call: Call<(Path<WorkspaceId>, Body<PatchWorkspace>)>,
) -> Result<Reply<Workspace>, ApiError> {
    let (Path(id), Body(wish)) = &call.input;
    let name = wish.name.as_deref().map(rules::name).transpose();
    let name = name.map_err(|problem| ApiError::bad_request(format!("name: {problem}")))?;
    let idle = wish.idle_stop_minutes.map(limits::idle).transpose();
    let idle = idle.map_err(|problem| ApiError::bad_request(problem.to_string()))?;
    let decide = |row: &WorkspaceRow| {
        let mut change = Change::none(row);
        change.name = name.clone().unwrap_or(change.name);
        change.idle_stop_minutes = idle.unwrap_or(change.idle_stop_minutes);
        Ok(change)
    };
    alter(&who, &call, *id, decide).await
}

/// `POST /api/workspaces/{id}/stop`
pub(crate) async fn stop(who: Principal, call: Call<Path<WorkspaceId>>) -> Result<Reply<Workspace>, ApiError> {
    wish(&who, &call, Event::Stop).await
}

/// `POST /api/workspaces/{id}/start`
pub(crate) async fn start(who: Principal, call: Call<Path<WorkspaceId>>) -> Result<Reply<Workspace>, ApiError> {
    wish(&who, &call, Event::Start).await
}

/// `POST /api/workspaces/{id}/restart`
pub(crate) async fn restart(who: Principal, call: Call<Path<WorkspaceId>>) -> Result<Reply<Workspace>, ApiError> {
    wish(&who, &call, Event::Restart).await
}

/// `POST /api/workspaces/{id}/rebuild`
pub(crate) async fn rebuild(who: Principal, call: Call<Path<WorkspaceId>>) -> Result<Reply<Workspace>, ApiError> {
    wish(&who, &call, Event::Rebuild).await
}

/// `DELETE /api/workspaces/{id}`
pub(crate) async fn delete(who: Principal, call: Call<Path<WorkspaceId>>) -> Result<Reply<Workspace>, ApiError> {
    wish(&who, &call, Event::Delete).await
}

async fn wish(who: &Principal, call: &Call<Path<WorkspaceId>>, event: Event) -> Result<Reply<Workspace>, ApiError> {
    let (Path(id), start_ms) = (call.input, start_ms().await?);
    let decide = |row: &WorkspaceRow| {
        let state = rules::step(&row.state, event.clone(), call.now, start_ms).map_err(explain)?;
        Ok(Change {
            state,
            ..Change::none(row)
        })
    };
    alter(who, call, id, decide).await
}

fn explain(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Gone => ApiError::not_found(),
        refusal => ApiError::conflict(sentence(&refusal)),
    }
}

/// Loads, decides and writes, again when someone was faster.
async fn alter<I>(
    who: &Principal,
    call: &Call<I>,
    id: WorkspaceId,
    decide: impl Fn(&WorkspaceRow) -> Result<Change, ApiError> + Send + Sync,
) -> Result<Reply<Workspace>, ApiError>
where
    I: Sync,
{
    for _ in 0..TRIES {
        let row = load(who, id).await?.workspace;
        let change = decide(&row)?;
        if change == Change::none(&row) {
            return Ok(Reply::new(shown(who, id, &call.site).await?));
        }
        let cause = Cause {
            now: call.now,
            account: who.account_id,
            actor: Some(who.user_id),
            request: Some(call.request_id),
        };
        let news = rules::news(&id.to_string(), &row.node_id.to_string(), change.state.status);
        let written = effects::write(&news, &cause)?;
        if workspaces::change(&CORE, &row, &change, call.now, &written).await? {
            let reply = Reply::new(shown(who, id, &call.site).await?).wake(written.wakes());
            return Ok(if change.concerns_node(&row) {
                reply.wake(&[Wake::Node(row.node_id)])
            } else {
                reply
            });
        }
    }
    Err(ApiError::conflict(
        "This workspace changes too often just now: try again.",
    ))
}
