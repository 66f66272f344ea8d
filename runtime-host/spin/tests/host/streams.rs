//! Bodies that flow: in both directions, for long, and to readers that are slow or gone.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::SinkExt;
use futures::channel::mpsc;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use spin_host::Limits;

use crate::harness::{App, PATIENCE, guest};

#[tokio::test(flavor = "multi_thread")]
async fn bodies_stream_both_ways_at_once() {
    let app = App::start(&[guest("upper")]).await;
    let (mut send, frames) = mpsc::channel::<Result<Frame<Bytes>, std::convert::Infallible>>(1);
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::post(app.url("/upper")).body(StreamBody::new(frames)).unwrap();
    let mut body = client.request(request).await.unwrap().into_body();
    for (sent, expect) in [("one", "ONE"), ("two", "TWO"), ("three", "THREE")] {
        send.send(Ok(Frame::data(Bytes::from(sent)))).await.unwrap();
        // Each piece comes back before the next one is sent.
        let frame = tokio::time::timeout(PATIENCE, body.frame())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(frame.into_data().unwrap(), expect);
    }
    drop(send);
    assert!(body.frame().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_passes_unchanged() {
    let app = App::start(&[guest("upper")]).await;
    let answer = app.post("/upper", "abcdefgh".repeat(1 << 20)).await;
    assert_eq!(answer.body.len(), 8 << 20);
    assert_eq!(answer.body, "ABCDEFGH".repeat(1 << 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_outlives_the_request_timeout() {
    let limits = Limits {
        request_timeout: Duration::from_millis(300),
        ..Limits::default()
    };
    let app = App::start_with(&[guest("events")], limits).await;
    let start = Instant::now();
    let answer = app.get("/events?count=10&every_ms=100").await;
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    assert_eq!(
        answer.body,
        (1..=10).map(|n| format!("data: {n}\n\n")).collect::<String>()
    );
    assert!(
        start.elapsed() >= Duration::from_millis(900),
        "it did not stream: {:?}",
        start.elapsed()
    );
    assert_eq!(app.metric(r#"spin_timeouts_total{component="events"}"#), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_whose_reader_left_frees_its_instance() {
    let app = App::start(&[guest("events")]).await;
    let mut body = app.open("/events?count=100000&every_ms=5", &[]).await.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    assert!(
        !app.host.drain(Duration::from_millis(50)).await,
        "the stream is still in progress"
    );
    drop(body);
    assert!(app.host.drain(PATIENCE).await, "the instance is still occupied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_everything_and_delays_nobody() {
    let app = App::start(&[guest("big"), guest("hello")]).await;
    let mut body = app.open("/big?bytes=33554432", &[]).await.into_body();
    for _ in 0..20 {
        app.get("/hello").await.assert(200, "hello");
    }
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame.unwrap().into_data().unwrap().len();
    }
    assert_eq!(bytes, 32 << 20);
}
