//! What is inside a workspace: guarded here, answered by its node.

use sam_contract::agent::api::{
    DiffQuery, Files, GitStatus, NewTerminal, PathQuery, RenameQuery, RenameTerminal, StepLogQuery, Terminal, Terminals,
};
use sam_contract::ids::{TerminalId, WorkspaceId};
use sam_contract::route::{
    Binary, Body, Created, Forward, Forwarded, Held, Method, NoContent, Path, PathPair, PlainText, Query,
};
use sam_domain::workspaces::Status;
use sam_kit::call::Call;
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;
use serde::Serialize;

use super::people::load;

/// Where a workspace's node answers `path`. The workspace must be one of the caller's that is not deleted.
async fn forward(who: &Principal, id: WorkspaceId, method: Method, path: &str) -> Result<Forward, ApiError> {
    let row = load(who, id).await?.workspace;
    if row.state.status == Status::Deleted {
        return Err(ApiError::not_found());
    }
    Ok(Forward {
        node: row.node_id,
        method,
        target: format!("/v1/workspaces/{id}/{path}"),
    })
}

/// The same with a query, encoded anew: what the caller wrote is data, not part of our request line.
async fn with_query(
    who: &Principal,
    id: WorkspaceId,
    method: Method,
    path: &str,
    query: &(impl Serialize + Sync),
) -> Result<Forward, ApiError> {
    let query = serde_urlencoded::to_string(query).map_err(|error| ApiError::internal(error.to_string()))?;
    forward(who, id, method, &format!("{path}?{query}")).await
}

fn with_body<T>(forward: Forward, body: &impl Serialize) -> Result<Forwarded<T>, ApiError> {
    Forwarded::with_body(forward, body).map_err(|error| ApiError::internal(error.to_string()))
}

/// `GET /api/workspaces/{id}/boot/log`
pub(crate) async fn step_log(
    who: Principal,
    call: Call<(Path<WorkspaceId>, Query<StepLogQuery>)>,
) -> Result<Forwarded<PlainText>, ApiError> {
    let (Path(id), Query(mut query)) = call.input;
    if query.attempt.is_none() {
        query.attempt = Some(load(&who, id).await?.workspace.state.attempt);
    }
    Ok(Forwarded::new(with_query(&who, id, Method::Get, "boot", &query).await?))
}

/// `GET /api/workspaces/{id}/terminals`
pub(crate) async fn list_terminals(
    who: Principal,
    call: Call<Path<WorkspaceId>>,
) -> Result<Forwarded<Terminals>, ApiError> {
    Ok(Forwarded::new(
        forward(&who, call.input.0, Method::Get, "terminals").await?,
    ))
}

/// `POST /api/workspaces/{id}/terminals`
pub(crate) async fn create_terminal(
    who: Principal,
    call: Call<(Path<WorkspaceId>, Body<NewTerminal>)>,
) -> Result<Forwarded<Created<Terminal>>, ApiError> {
    let (Path(id), Body(wish)) = &call.input;
    with_body(forward(&who, *id, Method::Post, "terminals").await?, wish)
}

/// `PATCH /api/workspaces/{id}/terminals/{part}`
pub(crate) async fn rename_terminal(
    who: Principal,
    call: Call<(PathPair<WorkspaceId, TerminalId>, Body<RenameTerminal>)>,
) -> Result<Forwarded<Terminal>, ApiError> {
    let (PathPair(id, terminal), Body(wish)) = &call.input;
    let path = format!("terminals/{terminal}");
    with_body(forward(&who, *id, Method::Patch, &path).await?, wish)
}

/// `DELETE /api/workspaces/{id}/terminals/{part}`
pub(crate) async fn close_terminal(
    who: Principal,
    call: Call<PathPair<WorkspaceId, TerminalId>>,
) -> Result<Forwarded<NoContent>, ApiError> {
    let PathPair(id, terminal) = call.input;
    let path = format!("terminals/{terminal}");
    Ok(Forwarded::new(forward(&who, id, Method::Delete, &path).await?))
}

/// `GET /api/workspaces/{id}/git/status`
pub(crate) async fn git_status(
    who: Principal,
    call: Call<Path<WorkspaceId>>,
) -> Result<Forwarded<GitStatus>, ApiError> {
    Ok(Forwarded::new(
        forward(&who, call.input.0, Method::Get, "git/status").await?,
    ))
}

/// `GET /api/workspaces/{id}/git/diff`
pub(crate) async fn git_diff(
    who: Principal,
    call: Call<(Path<WorkspaceId>, Query<DiffQuery>)>,
) -> Result<Forwarded<PlainText>, ApiError> {
    let (Path(id), Query(query)) = &call.input;
    Ok(Forwarded::new(
        with_query(&who, *id, Method::Get, "git/diff", query).await?,
    ))
}

/// `GET /api/workspaces/{id}/files`
pub(crate) async fn list_files(
    who: Principal,
    call: Call<(Path<WorkspaceId>, Query<PathQuery>)>,
) -> Result<Forwarded<Files>, ApiError> {
    let (Path(id), Query(query)) = &call.input;
    Ok(Forwarded::new(
        with_query(&who, *id, Method::Get, "files", query).await?,
    ))
}

/// `GET /api/workspaces/{id}/file`
pub(crate) async fn read_file(
    who: Principal,
    call: Call<(Path<WorkspaceId>, Query<PathQuery>)>,
) -> Result<Forwarded<Binary>, ApiError> {
    let (Path(id), Query(query)) = &call.input;
    Ok(Forwarded::new(with_query(&who, *id, Method::Get, "file", query).await?))
}

/// A file, and its content at the edge.
type Written = (Path<WorkspaceId>, (Query<PathQuery>, Held));

/// `PUT /api/workspaces/{id}/file`
pub(crate) async fn write_file(who: Principal, call: Call<Written>) -> Result<Forwarded<NoContent>, ApiError> {
    let (Path(id), (Query(query), Held)) = &call.input;
    Ok(Forwarded::new(with_query(&who, *id, Method::Put, "file", query).await?))
}

/// `DELETE /api/workspaces/{id}/file`
pub(crate) async fn delete_file(
    who: Principal,
    call: Call<(Path<WorkspaceId>, Query<PathQuery>)>,
) -> Result<Forwarded<NoContent>, ApiError> {
    let (Path(id), Query(query)) = &call.input;
    Ok(Forwarded::new(
        with_query(&who, *id, Method::Delete, "file", query).await?,
    ))
}

/// `POST /api/workspaces/{id}/files/mkdir`
pub(crate) async fn create_folder(
    who: Principal,
    call: Call<(Path<WorkspaceId>, Query<PathQuery>)>,
) -> Result<Forwarded<NoContent>, ApiError> {
    let (Path(id), Query(query)) = &call.input;
    Ok(Forwarded::new(
        with_query(&who, *id, Method::Post, "files/mkdir", query).await?,
    ))
}

/// `POST /api/workspaces/{id}/files/rename`
pub(crate) async fn rename_file(
    who: Principal,
    call: Call<(Path<WorkspaceId>, Query<RenameQuery>)>,
) -> Result<Forwarded<NoContent>, ApiError> {
    let (Path(id), Query(query)) = &call.input;
    Ok(Forwarded::new(
        with_query(&who, *id, Method::Post, "files/rename", query).await?,
    ))
}
