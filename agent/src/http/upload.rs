//! Writing a file: streamed to the disk, and in its place only when it is whole.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_LENGTH, ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use sam_agent_domain::paths::inside;
use sam_contract::agent::api::PathQuery;
use sam_contract::error::ErrorCode;
use sam_contract::ids::WorkspaceId;
use tokio::io::AsyncWriteExt;

use super::Api;
use super::error::{Answer, ApiError};
use super::files::work;
use crate::files::Draft;

/// Larger files do not come through a browser.
const UPLOAD_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// So much stays free on the disk.
const DISK_FREE_MIN: u64 = 256 * 1024 * 1024;

pub(super) async fn write(
    State(api): State<Api>,
    Path(id): Path<WorkspaceId>,
    Query(query): Query<PathQuery>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Response> {
    let path = inside(&query.path)?;
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let root = api.ctx.state.root();
    if length.is_some_and(|length| length > UPLOAD_BYTES_MAX) {
        return Err(too_large());
    }
    let disk = rustix::fs::statvfs(root).map_err(|error| ApiError::file(&path, &error.into()))?;
    let room = disk
        .f_bavail
        .saturating_mul(disk.f_frsize)
        .saturating_sub(DISK_FREE_MIN);
    if length.unwrap_or(0) > room {
        let message = format!("the node's disk has only room for {} MiB", room / 1024 / 1024);
        return Err(ApiError::new(ErrorCode::ServiceUnavailable, message));
    }
    let (draft, file) = work(&api, id, path.clone(), Draft::begin).await?;
    receive(body, tokio::fs::File::from_std(file), room.min(UPLOAD_BYTES_MAX), &path).await?;
    let expect = expected(&headers);
    let placed = tokio::task::spawn_blocking(move || draft.place(expect.as_deref())).await?;
    let etag = placed.map_err(|error| ApiError::file(&path, &error))?;
    api.workspace(id)?.touch(api.ctx.clock.now_ms());
    Ok((StatusCode::NO_CONTENT, [(ETAG, etag)]).into_response())
}

async fn receive(body: Body, mut file: tokio::fs::File, bytes_max: u64, path: &str) -> Answer<()> {
    let failed = |error: std::io::Error| ApiError::file(path, &error);
    let mut stream = body.into_data_stream();
    let mut received = 0_u64;
    while let Some(part) = stream.next().await {
        let part =
            part.map_err(|error| ApiError::new(ErrorCode::BadRequest, format!("the upload broke off: {error}")))?;
        received = received.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
        if received > bytes_max {
            return Err(too_large());
        }
        file.write_all(&part).await.map_err(failed)?;
    }
    file.sync_all().await.map_err(failed)
}

fn too_large() -> ApiError {
    let message = format!(
        "a file of more than {} MiB is not taken",
        UPLOAD_BYTES_MAX / 1024 / 1024
    );
    ApiError::new(ErrorCode::PayloadTooLarge, message)
}

/// The etag that the file must have; empty for "there must be none".
pub(super) fn expected(headers: &HeaderMap) -> Option<String> {
    if headers.get(IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == b"*") {
        return Some(String::new());
    }
    let value = headers.get(IF_MATCH)?.to_str().ok()?;
    (value != "*").then(|| value.trim_start_matches("W/").to_owned())
}
