//! Answers with the request's headers, a line each, and itself sends a header of `?bytes=…` bytes.

use sam_tests_guests::query;
use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_service;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let mut lines = String::new();
    for (name, value) in request.headers() {
        lines.push_str(&format!("{name}: {}\n", value.to_str().unwrap_or("?")));
    }
    let mut response = Response::builder();
    if let Some(bytes) = query(&request, "bytes") {
        response = response.header("x-long", "x".repeat(bytes));
    }
    response.body(lines)
}
