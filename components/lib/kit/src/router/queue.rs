//! `POST /_work/<queue>`: the host asks a component to work.

use std::future::Future;

use axum::response::Response;
use http::HeaderMap;
use sam_contract::queues::Queue;
use sam_contract::route::{Encoded, Output};

use super::dispatch;
use crate::error::ApiError;
use crate::jobs::{self, Budget, Done, Job};
use crate::reply::{Answer, Extras, Payload};
use crate::{clock, db, guard};

pub(super) async fn request<S, F>(queue: &Queue, step: &S, headers: &HeaderMap) -> Response
where
    S: Fn(Job) -> F + Send + Sync,
    F: Future<Output = Result<Done, ApiError>> + Send,
{
    let request_id = dispatch::request_id(headers);
    match work(queue, step, headers).await {
        Ok(encoded) => {
            let answer = Answer {
                extras: Extras::default(),
                payload: Payload::Encoded(encoded),
            };
            dispatch::respond(answer, 200, request_id)
        }
        Err(error) => dispatch::fail(error, queue.component, queue.name, request_id).await,
    }
}

async fn work<S, F>(queue: &Queue, step: &S, headers: &HeaderMap) -> Result<Encoded, ApiError>
where
    S: Fn(Job) -> F + Send + Sync,
    F: Future<Output = Result<Done, ApiError>> + Send,
{
    guard::host_only(headers).await?;
    let worked = jobs::work(&db::CORE, queue, Budget::default(), clock::now, step).await?;
    worked.encode().map_err(|error| ApiError::internal(error.to_string()))
}
