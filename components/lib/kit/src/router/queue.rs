//! `POST /_work/<queue>`: the host asks a component to work.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use axum::response::Response;
use http::HeaderMap;
use sam_contract::queues::Queue;
use sam_contract::route::{Encoded, Output};

use super::dispatch;
use crate::error::ApiError;
use crate::jobs::{self, Budget, Job, Stepped};
use crate::reply::{Answer, Extras, Payload, Wake};
use crate::{clock, db, guard};

pub(super) async fn request<S, F, D>(queue: &Queue, step: &S, headers: &HeaderMap) -> Response
where
    S: Fn(Job) -> F + Send + Sync,
    F: Future<Output = Result<D, ApiError>> + Send,
    D: Into<Stepped>,
{
    let request_id = dispatch::request_id(headers);
    match work(queue, step, headers).await {
        Ok((encoded, wakes)) => {
            let answer = Answer {
                extras: Extras {
                    wakes,
                    ..Extras::default()
                },
                payload: Payload::Encoded(encoded),
            };
            dispatch::respond(answer, 200, request_id)
        }
        Err(error) => dispatch::fail(error, queue.component, queue.name, request_id).await,
    }
}

async fn work<S, F, D>(queue: &Queue, step: &S, headers: &HeaderMap) -> Result<(Encoded, Vec<Wake>), ApiError>
where
    S: Fn(Job) -> F + Send + Sync,
    F: Future<Output = Result<D, ApiError>> + Send,
    D: Into<Stepped>,
{
    guard::host_only(headers).await?;
    let wakes = Mutex::new(Vec::new());
    let noting = |job| {
        let stepping = step(job);
        let wakes = &wakes;
        async move {
            let stepped: Stepped = stepping.await?.into();
            let mut all = wakes.lock().unwrap_or_else(PoisonError::into_inner);
            let new = stepped.wakes.into_iter().filter(|wake| !all.contains(wake));
            let new: Vec<_> = new.collect();
            all.extend(new);
            Ok(stepped.done)
        }
    };
    let worked = jobs::work(&db::CORE, queue, Budget::default(), clock::now, noting).await?;
    let encoded = worked.encode().map_err(|error| ApiError::internal(error.to_string()))?;
    Ok((encoded, wakes.into_inner().unwrap_or_else(PoisonError::into_inner)))
}
