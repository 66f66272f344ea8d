//! Answers at once, waits `?ms=100`, and then fetches the URL in the header `x-url`: work after the response.

use std::time::Duration;

use sam_tests_guests::{header, query};
use spin_sdk::http::{IntoResponse, Request, get};
use spin_sdk::http_service;
use spin_sdk::time::sleep;
use spin_sdk::wasip3::spawn;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let wait = Duration::from_millis(query(&request, "ms").unwrap_or(100));
    let url = header(&request, "x-url").to_owned();
    spawn(async move {
        sleep(wait).await;
        if let Err(error) = get(&url).await {
            eprintln!("the work after the response failed: {error:?}");
        }
    });
    "answered"
}
