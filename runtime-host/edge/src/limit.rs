//! Bodies have a limit. A request's declared length above it is refused before a byte is read; an undeclared one is cut off
//! while it streams, and the flag tells the edge to answer 413 whatever the application made of the broken body.

use crate::{Body, BoxError};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use thiserror::Error;

#[derive(Debug, Error)]
#[error("the body is larger than the limit of {limit_bytes} bytes")]
struct TooLarge {
    limit_bytes: u64,
}

/// Set once a body went over its limit.
#[derive(Clone, Debug, Default)]
pub(crate) struct OverLimit(Arc<AtomicBool>);

impl OverLimit {
    pub(crate) fn happened(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Wraps a body so that it fails after `limit_bytes`.
pub(crate) fn limit(body: Body, limit_bytes: u64) -> (Body, OverLimit) {
    let over = OverLimit::default();
    let limited = Limited {
        body,
        left: limit_bytes,
        limit_bytes,
        over: over.clone(),
    };
    (limited.boxed_unsync(), over)
}

struct Limited {
    body: Body,
    left: u64,
    limit_bytes: u64,
    over: OverLimit,
}

impl http_body::Body for Limited {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            let length = data.len() as u64;
            if length > self.left {
                self.over.0.store(true, Ordering::Release);
                return Poll::Ready(Some(Err(TooLarge {
                    limit_bytes: self.limit_bytes,
                }
                .into())));
            }
            self.left -= length;
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use http_body_util::StreamBody;

    #[tokio::test]
    async fn the_limit_counts_bytes_not_frames() {
        for (frames, limit_bytes, expect) in [
            (vec![4, 4], 8, true),
            (vec![4, 5], 8, false),
            (vec![9], 8, false),
            (vec![], 0, true),
        ] {
            let chunks = frames
                .clone()
                .into_iter()
                .map(|n| Ok(Frame::data(Bytes::from(vec![0; n]))));
            let body: Body = StreamBody::new(stream::iter(chunks.collect::<Vec<_>>())).boxed_unsync();
            let (limited, over) = limit(body, limit_bytes);
            assert_eq!(
                limited.collect().await.is_ok(),
                expect,
                "{frames:?} within {limit_bytes}"
            );
            assert_eq!(over.happened(), !expect);
        }
    }
}
