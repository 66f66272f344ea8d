//! Clients that do not read.

use crate::client::{eventually, start};
use bytes::Bytes;
use futures::stream;
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use sam_edge::EdgeConfig;
use sam_edge::serve::ServeLimits;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

#[tokio::test]
async fn a_client_that_stops_reading_is_dropped_with_its_stream() {
    const CHUNK: usize = 64 * 1024;
    let (sent, alive) = (Arc::new(AtomicUsize::new(0)), Arc::new(()));
    let watch = Arc::downgrade(&alive);
    let (counter, alive) = (Arc::clone(&sent), std::sync::Mutex::new(Some(alive)));
    let alive = Arc::new(alive);
    let endless = move |_request| {
        let (counter, held) = (Arc::clone(&counter), alive.lock().unwrap().take());
        let chunks = stream::repeat_with(move || {
            let _held = &held;
            counter.fetch_add(CHUNK, Ordering::SeqCst);
            Ok(Frame::data(Bytes::from_static(&[b'x'; CHUNK])))
        });
        async move { Response::new(StreamBody::new(chunks).boxed_unsync()) }
    };
    let limits = ServeLimits {
        write_stall_max: Duration::from_millis(200),
        ..ServeLimits::default()
    };
    let server = start(EdgeConfig::default(), limits, endless).await;

    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    let mut client = socket.connect(server.address).await.unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    eventually("the endless stream to begin", || sent.load(Ordering::SeqCst) > 0).await;
    eventually("the endless stream to be dropped", || watch.upgrade().is_none()).await;
    let buffered = sent.load(Ordering::SeqCst);
    assert!(
        buffered < 8 * 1024 * 1024,
        "{buffered} bytes were taken from the application for nobody"
    );
}
