//! A WebSocket as the byte pipe that yamux wants: bytes in binary messages, message boundaries mean nothing.

use crate::close::CloseReason;
use crate::control::Control;
use bytes::{Buf, Bytes, BytesMut};
use futures::{AsyncRead, AsyncWrite, Sink, Stream};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Utf8Bytes};

/// A message has at most so many bytes of ours: what waits while the socket is full goes as one.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// The other side's messages may be larger, but not so large that one of them is a memory problem.
const MESSAGE_BYTES_ACCEPTED: usize = 1024 * 1024;
/// Held by every tunnel, also an idle one.
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// An open WebSocket, of either role. Nothing has been sent through it yet.
#[derive(Debug)]
pub struct Socket(pub(crate) WebSocketStream<TokioIo<Upgraded>>);

impl Socket {
    /// The server's end of an upgraded HTTP connection.
    pub async fn server(upgraded: Upgraded) -> Self {
        Self::new(upgraded, Role::Server).await
    }

    /// The client's end of an upgraded HTTP connection.
    pub async fn client(upgraded: Upgraded) -> Self {
        Self::new(upgraded, Role::Client).await
    }

    async fn new(upgraded: Upgraded, role: Role) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            // Every message goes out at once; yamux says when to flush, and it does so after every frame.
            .write_buffer_size(0)
            .max_message_size(Some(MESSAGE_BYTES_ACCEPTED))
            .max_frame_size(Some(MESSAGE_BYTES_ACCEPTED));
        Self(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), role, Some(config)).await)
    }
}

pub(crate) struct Pipe {
    socket: Socket,
    control: Arc<Control>,
    incoming: Bytes,
    outgoing: BytesMut,
    goodbye: Goodbye,
    is_over: bool,
}

/// How far our own close frame is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goodbye {
    No,
    Queued,
}

impl Pipe {
    pub(crate) fn new(socket: Socket, control: Arc<Control>) -> Self {
        Self {
            socket,
            control,
            incoming: Bytes::new(),
            outgoing: BytesMut::new(),
            goodbye: Goodbye::No,
            is_over: false,
        }
    }

    fn queue(&mut self, cx: &mut Context<'_>, message: impl FnOnce(&mut Self) -> Message) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.socket.0).poll_ready(cx)).map_err(broken)?;
        let message = message(self);
        Poll::Ready(Pin::new(&mut self.socket.0).start_send(message).map_err(broken))
    }

    /// Hands what was written to the WebSocket as one message.
    fn queue_outgoing(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.outgoing.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.queue(cx, |pipe| {
            let bytes = pipe.outgoing.split().freeze();
            pipe.control.traffic.count_sent(bytes.len());
            Message::Binary(bytes)
        })
    }

    /// Obeys the wishes of the driving task; none of them keeps reading from going on.
    fn obey(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.goodbye == Goodbye::Queued {
            // Flushed as far as the socket takes it.
            let _pending = Pin::new(&mut self.socket.0).poll_flush(cx).map_err(broken)?;
            return Ok(());
        }
        if self.control.wants_ping.swap(false, Ordering::Relaxed)
            && self.queue(cx, |_| Message::Ping(Bytes::new()))?.is_ready()
        {
            let _pending = Pin::new(&mut self.socket.0).poll_flush(cx).map_err(broken)?;
        }
        let Some(reason) = self.control.wanted_close() else {
            return Ok(());
        };
        if self.queue_outgoing(cx)?.is_pending() {
            return Ok(());
        }
        if self.queue(cx, |_| Message::Close(Some(frame(&reason))))?.is_ready() {
            self.goodbye = Goodbye::Queued;
            let _pending = Pin::new(&mut self.socket.0).poll_flush(cx).map_err(broken)?;
        }
        Ok(())
    }
}

impl AsyncRead for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let pipe = &mut *self;
        pipe.obey(cx)?;
        loop {
            if !pipe.incoming.is_empty() {
                let count = pipe.incoming.len().min(buf.len());
                let Some(target) = buf.get_mut(..count) else {
                    return Poll::Ready(Ok(0));
                };
                pipe.incoming.copy_to_slice(target);
                return Poll::Ready(Ok(count));
            }
            if pipe.is_over {
                return Poll::Ready(Ok(0));
            }
            let message = match ready!(Pin::new(&mut pipe.socket.0).poll_next(cx)) {
                Some(Ok(message)) => message,
                Some(Err(error)) => {
                    pipe.is_over = true;
                    return Poll::Ready(Err(broken(error)));
                }
                None => {
                    pipe.is_over = true;
                    continue;
                }
            };
            pipe.control.heard();
            match message {
                Message::Binary(bytes) => {
                    pipe.control.traffic.count_received(bytes.len());
                    pipe.incoming = bytes;
                }
                // tungstenite has queued the pong.
                Message::Ping(_) => {
                    let _pending = Pin::new(&mut pipe.socket.0).poll_flush(cx).map_err(broken)?;
                }
                Message::Pong(_) | Message::Frame(_) => {}
                Message::Close(frame) => {
                    pipe.control.close_received(reason(frame));
                    pipe.is_over = true;
                    // tungstenite has queued the answer; what the socket does not take now is lost, and nobody misses it.
                    let _best_effort = Pin::new(&mut pipe.socket.0).poll_flush(cx);
                }
                Message::Text(_) => {
                    pipe.is_over = true;
                    let text = "a tunnel carries binary messages, and a text came";
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, text)));
                }
            }
        }
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.goodbye != Goodbye::No {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.outgoing.len() >= MESSAGE_BYTES_MAX {
            ready!(self.queue_outgoing(cx))?;
        }
        let count = bytes.len().min(MESSAGE_BYTES_MAX - self.outgoing.len());
        self.outgoing.extend_from_slice(bytes.get(..count).unwrap_or_default());
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.goodbye == Goodbye::No {
            ready!(self.queue_outgoing(cx))?;
        }
        Pin::new(&mut self.socket.0).poll_flush(cx).map_err(broken)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The driving task says goodbye by its own wish; yamux's end of stream adds nothing.
        self.poll_flush(cx)
    }
}

fn frame(reason: &CloseReason) -> CloseFrame {
    CloseFrame {
        code: reason.code.into(),
        reason: Utf8Bytes::from(reason.text.as_str()),
    }
}

fn reason(frame: Option<CloseFrame>) -> CloseReason {
    // RFC 6455 §7.1.5: a close frame without a code counts as 1005.
    frame.map_or_else(
        || CloseReason {
            code: 1005,
            text: String::new(),
        },
        |frame| CloseReason {
            code: frame.code.into(),
            text: frame.reason.to_string(),
        },
    )
}

fn broken(error: WsError) -> io::Error {
    match error {
        WsError::Io(error) => error,
        other => io::Error::other(other),
    }
}
