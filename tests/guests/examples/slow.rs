//! Answers after `?ms=…`, with the number of requests that this instance has begun to serve.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use sam_tests_guests::query;
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;
use spin_sdk::time::sleep;

static SERVED: AtomicU32 = AtomicU32::new(0);

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let served = SERVED.fetch_add(1, Relaxed) + 1;
    sleep(Duration::from_millis(query(&request, "ms").unwrap_or(0))).await;
    served.to_string()
}
