//! Parked jobs.

use sam_contract::http::admin::DeadLetter;
use sam_contract::ids::JobId;
use sam_contract::page::{Page, PageQuery, page_rows};
use sam_contract::queues;
use sam_contract::route::{NoContent, Path, Query};
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;
use sam_kit::reply::{Reply, Wake};

use crate::store::jobs;

/// Sorts after every id.
const AFTER_ALL: &str = "~";

/// `GET /api/admin/dead-letters`
pub(crate) async fn list(_: Principal, call: Call<Query<PageQuery>>) -> Result<Page<DeadLetter>, ApiError> {
    let Query(query) = call.input;
    let rows = page_rows(query.limit);
    let found = jobs::parked(&CORE, query.cursor.as_deref().unwrap_or(AFTER_ALL), rows).await?;
    Ok(Page::cut(found, rows, |letter| letter.id.to_string()))
}

/// `POST /api/admin/dead-letters/{id}/retry`
pub(crate) async fn retry(_: Principal, call: Call<Path<JobId>>) -> Result<Reply<NoContent>, ApiError> {
    let queue = jobs::retry(&CORE, call.input.0, call.now)
        .await?
        .ok_or_else(ApiError::not_found)?;
    let wake = queues::find(&queue).map(|queue| Wake::Queue(queue.name));
    Ok(Reply::new(NoContent).wake(wake.as_slice()))
}
