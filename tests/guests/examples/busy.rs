//! Computes for ever on `/busy/now`, after its answer on `/busy/later`, and not at all elsewhere.

use std::hint::black_box;

use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;
use spin_sdk::time::sleep;
use spin_sdk::wasip3::spawn;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    match request.uri().path() {
        "/busy/now" => compute(),
        "/busy/later" => spawn(async {
            sleep(std::time::Duration::from_millis(50)).await;
            compute();
        }),
        _ => {}
    }
    "calm"
}

fn compute() {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}
