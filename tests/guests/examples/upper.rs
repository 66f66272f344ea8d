//! Streams the request body back in upper case, frame by frame: neither side may be held in memory.

use bytes::Bytes;
use http_body_util::BodyExt;
use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_service;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let upper = |data: Bytes| Bytes::from(data.to_ascii_uppercase());
    Response::new(request.into_body().map_frame(move |frame| frame.map_data(upper)))
}
