//! Keeps `?mib=…` MiB and touches all of it.

use sam_tests_guests::query;
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let mib = query(&request, "mib").unwrap_or(1_usize);
    let kept: Vec<Vec<u8>> = (0..mib)
        .map(|n| vec![u8::try_from(n % 255).unwrap_or(1) + 1; 1 << 20])
        .collect();
    let touched = kept
        .iter()
        .map(|part| part.iter().filter(|byte| **byte != 0).count())
        .sum::<usize>();
    touched.to_string()
}
