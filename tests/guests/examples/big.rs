//! Answers with `?bytes=…` zero bytes in pieces of 64 KiB, as fast as the reader takes them.

use bytes::Bytes;
use futures::SinkExt;
use sam_tests_guests::query;
use spin_sdk::http::body::stream;
use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_service;
use spin_sdk::wasip3::spawn;

static PIECE: [u8; 64 << 10] = [0; 64 << 10];

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let mut left = query(&request, "bytes").unwrap_or(0_usize);
    let (mut pieces, body) = stream::<Bytes>();
    spawn(async move {
        while left > 0 {
            let piece = Bytes::from_static(PIECE.get(..left).unwrap_or(&PIECE));
            left -= piece.len();
            if pieces.send(piece).await.is_err() {
                return;
            }
        }
    });
    Response::new(body)
}
