//! The bodies that cross the border between HTTP and guests.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use wasmtime_wasi_http::{Error as WasiHttpError, WasiBody};

use crate::scope::RequestScope;

/// Why a body broke off.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request or response body.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A body without content.
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body of which all content is at hand.
pub fn full(content: impl Into<Bytes>) -> Body {
    Full::new(content.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A request body on its way to a guest: ends with an error once it is longer than allowed.
pub(crate) struct LimitedBody {
    body: Body,
    bytes_left: u64,
    scope: Arc<RequestScope>,
}

impl LimitedBody {
    pub(crate) fn wasi(body: Body, bytes_max: u64, scope: &Arc<RequestScope>) -> WasiBody {
        if http_body::Body::is_end_stream(&body) {
            return Empty::new().map_err(|never| match never {}).boxed_unsync();
        }
        Self {
            body,
            bytes_left: bytes_max,
            scope: Arc::clone(scope),
        }
        .boxed_unsync()
    }
}

impl http_body::Body for LimitedBody {
    type Data = Bytes;
    type Error = WasiHttpError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, WasiHttpError>>> {
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
            return Poll::Ready(None);
        };
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => return Poll::Ready(Some(Err(WasiHttpError::InternalError(Some(error.to_string()))))),
        };
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.bytes_left.checked_sub(bytes) {
            Some(left) => {
                self.bytes_left = left;
                Poll::Ready(Some(Ok(frame)))
            }
            None => {
                self.scope.mark_body_too_large();
                Poll::Ready(Some(Err(WasiHttpError::HttpRequestBodySize(None))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A response body on its way out of a guest.
///
/// It tells the request's scope when it has ended, and turns the end of a body whose instance died into an error: else
/// the client would take a torn answer for a whole one.
pub(crate) struct GuestBody {
    body: WasiBody,
    scope: Arc<RequestScope>,
}

impl GuestBody {
    pub(crate) fn boxed(body: WasiBody, scope: Arc<RequestScope>) -> Body {
        Self { body, scope }.boxed_unsync()
    }
}

impl http_body::Body for GuestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(match frame {
            None if self.scope.truncated() => Some(Err("the component failed before its answer was complete".into())),
            None => None,
            Some(frame) => Some(frame.map_err(Into::into)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && !self.scope.truncated()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for GuestBody {
    fn drop(&mut self) {
        self.scope.mark_body_ended();
    }
}
