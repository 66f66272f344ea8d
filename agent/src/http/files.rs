//! Files of a working copy, whether the workspace runs or not. Writing is in `upload`.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use cap_std::fs::Dir;
use sam_agent_domain::paths::{disposition, inside, relative};
use sam_contract::agent::api::{Files, PathQuery, RenameQuery};
use sam_contract::error::ErrorCode;
use sam_contract::ids::WorkspaceId;
use tokio_util::io::ReaderStream;

use super::Api;
use super::error::{Answer, ApiError};
use crate::files;

/// Runs file work where it may wait, on the working copy.
pub(super) async fn work<T: Send + 'static>(
    api: &Api,
    id: WorkspaceId,
    path: String,
    work: impl FnOnce(Dir, &str) -> std::io::Result<T> + Send + 'static,
) -> Answer<T> {
    let place = api.workspace(id)?.place();
    let place = place.ok_or_else(|| ApiError::new(ErrorCode::NotReady, "the workspace has no files yet"))?;
    let done = tokio::task::spawn_blocking(move || {
        let result = files::root(&place.repo()).and_then(|root| work(root, &path));
        result.map_err(|error| ApiError::file(&path, &error))
    });
    done.await?
}

pub(super) async fn list(
    State(api): State<Api>,
    Path(id): Path<WorkspaceId>,
    Query(query): Query<PathQuery>,
) -> Answer<Json<Files>> {
    let path = relative(&query.path)?;
    work(&api, id, path, |root, path| files::list(&root, path))
        .await
        .map(Json)
}

pub(super) async fn read(
    State(api): State<Api>,
    Path(id): Path<WorkspaceId>,
    Query(query): Query<PathQuery>,
) -> Answer<Response> {
    let path = inside(&query.path)?;
    let named = disposition(&path);
    let (file, found) = work(&api, id, path, |root, path| files::open(&root, path)).await?;
    let file = tokio::fs::File::from_std(file.into_std());
    // No longer than it was when it was looked at, whoever appends to it.
    let content = tokio::io::AsyncReadExt::take(file, found.len());
    let body = Body::from_stream(ReaderStream::with_capacity(content, 64 * 1024));
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_LENGTH, found.len().to_string()),
        (CONTENT_DISPOSITION, named),
        (ETAG, files::etag(&found)),
    ];
    Ok((headers, body).into_response())
}

pub(super) async fn remove(
    State(api): State<Api>,
    Path(id): Path<WorkspaceId>,
    Query(query): Query<PathQuery>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    let path = inside(&query.path)?;
    let expect = super::upload::expected(&headers);
    let removed = work(&api, id, path, move |root, path| {
        if let Some(expect) = expect
            && files::etag(&root.metadata(path)?) != expect
        {
            return Err(std::io::Error::new(
                std::io::ErrorKind::ResourceBusy,
                "it was changed meanwhile",
            ));
        }
        files::remove(&root, path)
    });
    removed.await?;
    api.workspace(id)?.touch(api.ctx.clock.now_ms());
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn mkdir(
    State(api): State<Api>,
    Path(id): Path<WorkspaceId>,
    Query(query): Query<PathQuery>,
) -> Answer<StatusCode> {
    let path = inside(&query.path)?;
    work(&api, id, path, |root, path| root.create_dir(path)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn rename(
    State(api): State<Api>,
    Path(id): Path<WorkspaceId>,
    Query(query): Query<RenameQuery>,
) -> Answer<StatusCode> {
    let (from, to) = (inside(&query.from)?, inside(&query.to)?);
    work(&api, id, from, move |root, from| files::rename(&root, from, &to)).await?;
    Ok(StatusCode::NO_CONTENT)
}
