//! One stream of a tunnel, as tokio's I/O traits want it.

use futures::{AsyncWrite as _, Stream as _};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;

/// A pipe through the tunnel with its own window both ways. Dropping it resets the stream, if it was not shut down.
#[derive(Debug)]
pub struct TunnelStream {
    stream: yamux::Stream,
    /// A packet that did not fit the reader's buffer, and how much of it was read.
    rest: Option<(yamux::Packet, usize)>,
    _place: Option<OwnedSemaphorePermit>,
}

impl TunnelStream {
    pub(crate) fn new(stream: yamux::Stream, place: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            stream,
            rest: None,
            _place: place,
        }
    }
}

impl AsyncRead for TunnelStream {
    /// Takes whole packets: yamux's own `AsyncRead` would need the buffer zeroed first.
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        while buf.remaining() > 0 {
            let (packet, offset) = match self.rest.take() {
                Some(rest) => rest,
                None => match Pin::new(&mut self.stream).poll_next(cx) {
                    Poll::Ready(Some(Ok(packet))) => (packet, 0),
                    // What was read already comes first; the end will be seen again.
                    _ if buf.filled().len() > before => break,
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                    Poll::Ready(None) => return Poll::Ready(Ok(())),
                    Poll::Pending => return Poll::Pending,
                },
            };
            let bytes = packet.as_ref().get(offset..).unwrap_or_default();
            let count = bytes.len().min(buf.remaining());
            buf.put_slice(bytes.get(..count).unwrap_or_default());
            if count < bytes.len() {
                self.rest = Some((packet, offset + count));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TunnelStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_close(cx))?;
        Poll::Ready(Ok(()))
    }
}
