//! Server-sent events: `?count=3&every_ms=10`, numbered from 1. Ends early when the client is gone.

use std::time::Duration;

use futures::SinkExt;
use sam_tests_guests::query;
use spin_sdk::http::body::stream;
use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_service;
use spin_sdk::time::sleep;
use spin_sdk::wasip3::spawn;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let count = query(&request, "count").unwrap_or(3);
    let every = Duration::from_millis(query(&request, "every_ms").unwrap_or(10));
    let (mut events, body) = stream::<String>();
    spawn(async move {
        for n in 1..=count {
            if events.send(format!("data: {n}\n\n")).await.is_err() {
                eprintln!("the client left at event {n}");
                return;
            }
            sleep(every).await;
        }
    });
    Response::builder()
        .header("content-type", "text/event-stream")
        .body(body)
}
