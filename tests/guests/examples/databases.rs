//! Opens the database named in the header `x-label` and answers how that went.

use sam_tests_guests::header;
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;
use spin_sdk::sqlite::Connection;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    match Connection::open(header(&request, "x-label")).await {
        Ok(_) => "opened".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}
