//! Opens the key-value store named in the header `x-label` and answers how that went.

use sam_tests_guests::header;
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;
use spin_sdk::key_value::Store;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    match Store::open(header(&request, "x-label")).await {
        Ok(_) => "opened".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}
