//! Fetches the URL in the header `x-url`, `?times=1` times at once, and answers with the results in order, a line each. The header is
//! sent along, so that a guest that fetches itself does so for ever.

use futures::future::join_all;
use sam_tests_guests::query;
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::http::{EmptyBody, IntoResponse, Request, send};
use spin_sdk::http_service;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let times = query(&request, "times").unwrap_or(1_usize);
    let url = request
        .headers()
        .get("x-url")
        .and_then(|url| url.to_str().ok())
        .unwrap_or_default();
    join_all((0..times).map(|_| fetch(url))).await.join("\n")
}

async fn fetch(url: &str) -> String {
    let Ok(request) = Request::get(url).header("x-url", url).body(EmptyBody::new()) else {
        return format!("{url:?} is not a URL");
    };
    match send(request).await {
        Err(error) => format!("{error:?}"),
        Ok(response) => {
            let status = response.status().as_u16();
            match response.into_body().bytes().await {
                Ok(body) => format!("{status} {}", String::from_utf8_lossy(&body)),
                Err(error) => format!("{status} {error:?}"),
            }
        }
    }
}
