//! Answers with the variable named in the header `x-name`.

use sam_tests_guests::header;
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::{http_service, variables};

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    match variables::get(header(&request, "x-name")).await {
        Ok(value) => value,
        Err(error) => format!("{error:?}"),
    }
}
