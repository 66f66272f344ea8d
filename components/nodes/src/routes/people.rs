//! What people do with nodes.

use sam_contract::agent::api::{GitRemote, RemoteQuery};
use sam_contract::http::nodes::{DeleteNode, Node, RenameNode};
use sam_contract::ids::NodeId;
use sam_contract::page::{Page, PageQuery, page_rows};
use sam_contract::route::{Body, Forward, Forwarded, Method, NoContent, Path, Query};
use sam_domain::nodes::{self as rules, Event};
use sam_domain::workspaces::repository;
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;
use sam_kit::reply::{Reply, Wake};

use super::{By, alter, silence};
use crate::store::nodes::{self, Change};
use crate::wire;

/// Sorts after every id: where a list begins.
const NEWEST: &str = "~";

pub(super) fn by<I>(who: &Principal, call: &Call<I>) -> By {
    By {
        account: Some(who.account_id),
        actor: Some(who.user_id),
        request: call.request_id,
        now: call.now,
    }
}

/// `GET /api/nodes`
pub(crate) async fn list(who: Principal, call: Call<Query<PageQuery>>) -> Result<Page<Node>, ApiError> {
    let Query(query) = &call.input;
    let limit = page_rows(query.limit);
    let before = query.cursor.as_deref().unwrap_or(NEWEST);
    let rows = nodes::list(&CORE, who.account_id, before, limit + 1).await?;
    let page = Page::cut(rows, limit, |row| row.node.id.to_string());
    let silence = silence().await?;
    Ok(Page {
        items: page
            .items
            .into_iter()
            .map(|row| wire::node(row, silence, call.now))
            .collect(),
        next_cursor: page.next_cursor,
    })
}

pub(super) async fn shown(who: &Principal, id: NodeId, now: i64) -> Result<Node, ApiError> {
    let row = nodes::show(&CORE, who.account_id, id).await?;
    let row = row.ok_or_else(ApiError::not_found)?;
    Ok(wire::node(row, silence().await?, now))
}

/// `GET /api/nodes/{id}`
pub(crate) async fn get(who: Principal, call: Call<Path<NodeId>>) -> Result<Node, ApiError> {
    shown(&who, call.input.0, call.now).await
}

/// `PATCH /api/nodes/{id}`
pub(crate) async fn rename(
    who: Principal,
    call: Call<(Path<NodeId>, Body<RenameNode>)>,
) -> Result<Reply<Node>, ApiError> {
    let (Path(id), Body(wish)) = &call.input;
    let name = rules::name(&wish.name).map_err(|problem| ApiError::bad_request(format!("name: {problem}")))?;
    let change = Change {
        name: Some(name),
        ..Change::default()
    };
    let (_, written) = alter(by(&who, &call), *id, Event::Renamed, |_| change.clone()).await?;
    Ok(Reply::new(shown(&who, *id, call.now).await?).wake(written.wakes()))
}

/// `POST /api/nodes/{id}/drain`
pub(crate) async fn drain(who: Principal, call: Call<Path<NodeId>>) -> Result<Reply<Node>, ApiError> {
    simple(&who, &call, Event::Drain).await
}

/// `POST /api/nodes/{id}/resume`
pub(crate) async fn resume(who: Principal, call: Call<Path<NodeId>>) -> Result<Reply<Node>, ApiError> {
    simple(&who, &call, Event::Resume).await
}

async fn simple(who: &Principal, call: &Call<Path<NodeId>>, event: Event) -> Result<Reply<Node>, ApiError> {
    let Path(id) = call.input;
    let (_, written) = alter(by(who, call), id, event, |_| Change::default()).await?;
    Ok(Reply::new(shown(who, id, call.now).await?).wake(written.wakes()))
}

/// `DELETE /api/nodes/{id}`
pub(crate) async fn delete(
    who: Principal,
    call: Call<(Path<NodeId>, Query<DeleteNode>)>,
) -> Result<Reply<NoContent>, ApiError> {
    let (Path(id), Query(DeleteNode { force })) = call.input;
    let change = Change {
        only_if_empty: !force,
        ..Change::default()
    };
    let event = Event::Delete { force };
    let (_, written) = alter(by(&who, &call), id, event, |_| change.clone()).await?;
    // Its agent asks again, and is told that the node is gone.
    Ok(Reply::new(NoContent).wake(written.wakes()).wake(&[Wake::Node(id)]))
}

/// `GET /api/nodes/{id}/git/remote`
pub(crate) async fn remote(
    who: Principal,
    call: Call<(Path<NodeId>, Query<RemoteQuery>)>,
) -> Result<Forwarded<GitRemote>, ApiError> {
    let (Path(id), Query(RemoteQuery { url })) = &call.input;
    let place = repository::read(url).map_err(|problem| ApiError::bad_request(format!("url: {problem}")))?;
    if nodes::show(&CORE, who.account_id, *id).await?.is_none() {
        return Err(ApiError::not_found());
    }
    let query = serde_urlencoded::to_string([("url", place.url)]);
    let query = query.map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(Forwarded::new(Forward {
        node: *id,
        method: Method::Get,
        target: format!("/v1/git/remote?{query}"),
    }))
}
