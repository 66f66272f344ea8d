//! One line per request, written when its response has ended, however it ended.

use crate::metrics::Metrics;
use crate::{Body, BoxError};
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tracing::info;

/// What the line says. `path` is without the query: a query may hold what a log must not.
pub(crate) struct Entry {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) status: StatusCode,
    pub(crate) request_id: String,
    pub(crate) component: Option<String>,
    /// The tunnel that the answer came through.
    pub(crate) tunnel: Option<String>,
    pub(crate) started: Instant,
    pub(crate) metrics: Arc<Metrics>,
}

/// A response body that counts its bytes and writes the line when it is dropped.
pub(crate) struct Logged {
    body: Body,
    bytes: u64,
    complete: bool,
    /// The server stops asking for frames once it has sent as many bytes as the head announced.
    announced: Option<u64>,
    entry: Entry,
}

impl Logged {
    pub(crate) fn new(body: Body, announced: Option<u64>, entry: Entry) -> Self {
        // Nothing is sent after the head of these, whatever the body says.
        let is_bodiless = entry.method == Method::HEAD || announced == Some(0);
        let complete = is_bodiless || http_body::Body::is_end_stream(&body);
        Self {
            body,
            bytes: 0,
            complete,
            announced,
            entry,
        }
    }
}

impl http_body::Body for Logged {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                // The server stops asking once a body says that it has ended, so look now.
                self.complete =
                    self.body.is_end_stream() || self.announced.is_some_and(|announced| self.bytes >= announced);
            }
            Poll::Ready(None) => self.complete = true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        let entry = &self.entry;
        entry.metrics.response_bytes.inc_by(self.bytes);
        info!(
            target: "sam_edge::access",
            method = %entry.method,
            path = %entry.path,
            status = entry.status.as_u16(),
            bytes = self.bytes,
            ms = u64::try_from(entry.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            request_id = %entry.request_id,
            component = entry.component.as_deref().unwrap_or("-"),
            tunnel = entry.tunnel.as_deref().unwrap_or("-"),
            complete = self.complete,
            "request"
        );
    }
}
