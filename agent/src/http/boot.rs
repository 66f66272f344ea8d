//! The whole log of a step of a start; its end is in the control plane.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use sam_agent_domain::steps::Step;
use sam_contract::agent::api::StepLogQuery;
use sam_contract::error::ErrorCode;
use sam_contract::ids::WorkspaceId;
use tokio_util::io::ReaderStream;

use super::Api;
use super::error::{Answer, ApiError};

pub(super) async fn log(
    State(api): State<Api>,
    Path(id): Path<WorkspaceId>,
    Query(query): Query<StepLogQuery>,
) -> Answer<Response> {
    let unknown = || ApiError::new(ErrorCode::NotFound, "there is no log of this step");
    let step = Step::named(&query.step).ok_or_else(unknown)?;
    let place = api.workspace(id)?.place().ok_or_else(unknown)?;
    let attempt = query.attempt.or_else(|| place.newest_attempt()).ok_or_else(unknown)?;
    let file = tokio::fs::File::open(place.log(attempt, step.name()))
        .await
        .map_err(|_| unknown())?;
    let body = Body::from_stream(ReaderStream::with_capacity(file, 64 * 1024));
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response())
}
