//! Panics on `/trap/now`; on `/trap/later` after it has answered, on `/trap/stream` in the middle of its answer.

#![allow(clippy::panic, reason = "trapping is what it is for")]

use std::time::Duration;

use futures::SinkExt;
use spin_sdk::http::body::stream;
use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_service;
use spin_sdk::time::sleep;
use spin_sdk::wasip3::spawn;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let path = request.uri().path().to_owned();
    assert_ne!(path, "/trap/now", "asked to");
    let (mut pieces, body) = stream::<&'static str>();
    spawn(async move {
        let _ = pieces.send("half ").await;
        if path == "/trap/stream" {
            sleep(Duration::from_millis(50)).await;
            panic!("in the middle");
        }
        let _ = pieces.send("whole").await;
        drop(pieces);
        if path == "/trap/later" {
            sleep(Duration::from_millis(50)).await;
            panic!("after the answer");
        }
    });
    Response::new(body)
}
