//! The parent of the composition tests: answers with what its dependency says.

use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;

mod wit {
    spin_sdk::wit_bindgen::generate!({
        path: "wit",
        world: "asker",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
    });
}

#[http_service]
async fn handle(_request: Request) -> impl IntoResponse {
    match wit::test::secret::reader::read().await {
        Ok(value) => format!("secret: {value}"),
        Err(refusal) => format!("refused: {refusal}"),
    }
}
