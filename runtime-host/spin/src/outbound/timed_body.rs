//! A response body that must not fall silent.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};
use wasmtime_wasi_http::{Error, Result};

/// Ends with an error when `limit` passes between two frames.
pub(crate) struct TimedBody {
    incoming: Incoming,
    limit: Duration,
    /// Armed while a frame is waited for, so that a body that is all there costs no timer.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl TimedBody {
    pub(crate) fn new(incoming: Incoming, limit: Duration) -> Self {
        Self {
            incoming,
            limit,
            timer: None,
            waiting: false,
        }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) {
            self.waiting = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        let limit = self.limit;
        let begins = !std::mem::replace(&mut self.waiting, true);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        if begins {
            timer.as_mut().reset(Instant::now() + limit);
        }
        timer
            .as_mut()
            .poll(cx)
            .map(|()| Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
