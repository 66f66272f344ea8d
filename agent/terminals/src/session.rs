//! One WebSocket session: a viewer on one side, an attached supervisor connection on the other.
//!
//! Two loops run side by side, so that a viewer that reads nothing is still heard: `outgoing` waits for it, `incoming`
//! does not. Memory is bounded by credit: the supervisor sends no more than the viewer acknowledged plus a window, and
//! one frame is under way. Bytes that a slow viewer misses are in the supervisor's ring, or become a gap there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{Sink, SinkExt as _, Stream, StreamExt as _};
use sam_contract::ids::TerminalId;
use sam_contract::terminal::{ClientFrame, ErrorCode, LATEST, ServerFrame, Size, ViewerId, WINDOW_BYTES};
use sam_supervisor::protocol::{self, Attach, Refusal, Reply, Request};
use tokio::sync::Notify;
use tokio::time::{Instant, interval_at, timeout};
use tokio_tungstenite::tungstenite::{self, Message};

use crate::supervisor::{Connection, Replies, Requests};
use crate::terminals::exit_status;
use crate::{Access, TerminalError, Terminals};

/// A client says hello at once.
const HELLO_MAX: Duration = Duration::from_secs(10);

/// A sign of life is asked for this often: keeps proxies from closing a quiet terminal.
const PING_EVERY: Duration = Duration::from_secs(30);

/// Nothing heard for so long, answers to pings included: the client is gone without a word.
const SILENCE_MAX: Duration = Duration::from_secs(120);

/// How long the closing handshake may take.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// How a session ends that the server ends: one last frame.
enum End {
    /// The client left.
    Left,
    Frame(Bytes),
}

impl End {
    fn frame(frame: &ServerFrame<'_>) -> Self {
        Self::Frame(frame.encode().into())
    }

    fn error(code: ErrorCode, message: &str) -> Self {
        Self::frame(&ServerFrame::Error { code, message })
    }
}

/// Serves one viewer until it leaves or the terminal ends.
pub async fn serve<S>(terminals: &Terminals, id: TerminalId, access: Access, socket: S)
where
    S: Stream<Item = Result<Message, tungstenite::Error>> + Sink<Message, Error = tungstenite::Error> + Unpin,
{
    let (mut sink, mut stream) = socket.split();
    let end = match hello(&mut stream).await {
        Ok(hello) => match terminals.join(id, hello.size, access) {
            Some(key) => {
                let seat = Seat {
                    terminals,
                    id,
                    key,
                    access,
                };
                let end = view(&seat, &hello, &mut sink, &mut stream).await;
                terminals.leave(id, key);
                // The next one's size; if the supervisor is gone there is nothing to give a size to.
                drop(terminals.apply_size(id).await);
                end
            }
            None => End::error(ErrorCode::TooMany, "as many viewers as a terminal takes"),
        },
        Err(end) => end,
    };
    if let End::Frame(frame) = end {
        let close = async {
            sink.send(Message::Binary(frame)).await?;
            sink.send(Message::Close(None)).await?;
            // Until the client closes too: what it has not read would be lost with the connection.
            while let Some(Ok(_)) = stream.next().await {}
            Ok::<_, tungstenite::Error>(())
        };
        // A client that does not take it is gone or stalled; it learns of the end when it comes back.
        drop(timeout(CLOSE_MAX, close).await);
    }
}

struct Hello {
    viewer: ViewerId,
    from: u64,
    size: Size,
}

/// A viewer's place at a terminal.
struct Seat<'a> {
    terminals: &'a Terminals,
    id: TerminalId,
    key: u64,
    access: Access,
}

async fn hello<S>(stream: &mut SplitStream<S>) -> Result<Hello, End>
where
    S: Stream<Item = Result<Message, tungstenite::Error>> + Unpin,
{
    let first = async {
        loop {
            match stream.next().await {
                Some(Ok(Message::Binary(bytes))) => return Some(bytes),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return None,
            }
        }
    };
    let Ok(Some(bytes)) = timeout(HELLO_MAX, first).await else {
        return Err(End::error(ErrorCode::Protocol, "no Hello came"));
    };
    match ClientFrame::decode(&bytes) {
        Ok(ClientFrame::Hello { viewer, from, size }) => Ok(Hello { viewer, from, size }),
        Ok(_) => Err(End::error(ErrorCode::Protocol, "the first frame is a Hello")),
        Err(malformed) => Err(End::error(ErrorCode::Protocol, &malformed.to_string())),
    }
}

async fn view<S>(seat: &Seat<'_>, hello: &Hello, sink: &mut SplitSink<S, Message>, stream: &mut SplitStream<S>) -> End
where
    S: Stream<Item = Result<Message, tungstenite::Error>> + Sink<Message, Error = tungstenite::Error> + Unpin,
{
    let (welcome, connection) = match attach(seat, hello).await {
        Ok(attached) => attached,
        Err(error) => return cannot_attach(seat, &error).await,
    };
    let Connection {
        mut requests,
        mut replies,
        boot,
    } = connection;
    for frame in welcome {
        if sink.send(Message::Binary(frame)).await.is_err() {
            return End::Left;
        }
    }
    let said = Said::default();
    let end = tokio::select! {
        end = incoming(seat, stream, &mut requests, &said) => end,
        end = outgoing(sink, &mut replies, &said) => end,
    };
    match end {
        Ok(end) => end,
        Err(error) => {
            tracing::debug!(%error, terminal = %seat.id, "the supervisor ended a viewer's connection");
            if seat.terminals.is_lost(seat.id, Some(boot)).await {
                End::frame(&ServerFrame::Lost)
            } else {
                End::error(ErrorCode::Unavailable, "the connection to the workspace broke")
            }
        }
    }
}

/// Attaches with the viewer's size; returns what the client hears first.
async fn attach(seat: &Seat<'_>, hello: &Hello) -> Result<(Vec<Bytes>, Connection), TerminalError> {
    if seat.access == Access::Write {
        seat.terminals.apply_size(seat.id).await?;
    }
    let mut connection = Connection::open(seat.terminals.socket()).await?;
    let writes = seat.access == Access::Write;
    let attach = Attach {
        id: seat.id.to_string(),
        stream: protocol::Stream::Out,
        from: if hello.from == LATEST {
            protocol::LATEST
        } else {
            hello.from
        },
        window: u32::try_from(WINDOW_BYTES).unwrap_or(u32::MAX),
        // A reader gets no name among the writers: it could take another's.
        writer: writes.then_some(hello.viewer),
        pace: writes,
        consume: false,
    };
    let attached = connection.attach(attach).await?;
    let welcome = ServerFrame::Welcome {
        start: attached.start,
        end: attached.end,
        input_offset: attached.input_offset,
        size: Size {
            cols: attached.size.cols,
            rows: attached.size.rows,
        },
        read_only: !writes,
    };
    let mut frames = vec![welcome.encode().into()];
    if hello.from != LATEST && hello.from != attached.start {
        let (from, to) = (hello.from, attached.start);
        frames.push(ServerFrame::Gap { from, to }.encode().into());
        if writes {
            // What is kept may begin in the middle of a screen that a program goes on patching.
            seat.terminals.redraw(seat.id).await?;
        }
    }
    Ok((frames, connection))
}

async fn cannot_attach(seat: &Seat<'_>, error: &TerminalError) -> End {
    match error {
        TerminalError::NotFound | TerminalError::Unreachable(_) if seat.terminals.is_lost(seat.id, None).await => {
            End::frame(&ServerFrame::Lost)
        }
        TerminalError::NotFound => End::error(ErrorCode::NotFound, "there is no such terminal"),
        other => {
            tracing::info!(error = %other, terminal = %seat.id, "a viewer cannot be attached");
            End::error(ErrorCode::Unavailable, &other.to_string())
        }
    }
}

/// What `incoming` leaves for `outgoing` to say. Only the newest of each: a client that asks and does not read costs
/// nothing.
#[derive(Default)]
struct Said {
    something: Notify,
    /// Token of the last ping, shifted so that zero means none.
    pong: AtomicU64,
    has_pong: std::sync::atomic::AtomicBool,
    refused_input: std::sync::atomic::AtomicBool,
}

async fn incoming<S>(
    seat: &Seat<'_>,
    stream: &mut SplitStream<S>,
    requests: &mut Requests,
    said: &Said,
) -> Result<End, TerminalError>
where
    S: Stream<Item = Result<Message, tungstenite::Error>> + Unpin,
{
    loop {
        let bytes = match timeout(SILENCE_MAX, stream.next()).await {
            Ok(Some(Ok(Message::Binary(bytes)))) => bytes,
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
            Ok(Some(Ok(Message::Text(_)))) => {
                return Ok(End::error(ErrorCode::Protocol, "a frame is a binary message"));
            }
            Ok(Some(Ok(Message::Close(_) | Message::Frame(_)) | Err(_)) | None) | Err(_) => return Ok(End::Left),
        };
        match ClientFrame::decode(&bytes) {
            Ok(ClientFrame::Input { .. }) if seat.access == Access::Read => {
                said.refused_input.store(true, Ordering::Release);
                said.something.notify_one();
            }
            Ok(ClientFrame::Input { offset, bytes }) => {
                requests.send(&Request::Input { offset, bytes }).await?;
                if seat.terminals.typed(seat.id, seat.key) {
                    seat.terminals.apply_size(seat.id).await?;
                }
            }
            Ok(ClientFrame::Resize(size)) => {
                seat.terminals.resized(seat.id, seat.key, size);
                seat.terminals.apply_size(seat.id).await?;
            }
            Ok(ClientFrame::Ack { offset }) => requests.send(&Request::Ack { offset }).await?,
            Ok(ClientFrame::Ping { token }) => {
                said.pong.store(token, Ordering::Relaxed);
                said.has_pong.store(true, Ordering::Release);
                said.something.notify_one();
            }
            Ok(ClientFrame::Hello { .. }) => return Ok(End::error(ErrorCode::Protocol, "Hello comes once")),
            Err(malformed) => return Ok(End::error(ErrorCode::Protocol, &malformed.to_string())),
        }
    }
}

async fn outgoing<S>(sink: &mut SplitSink<S, Message>, replies: &mut Replies, said: &Said) -> Result<End, TerminalError>
where
    S: Sink<Message, Error = tungstenite::Error> + Unpin,
{
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            reply = replies.next() => match translate(reply?) {
                Ok(frame) => Message::Binary(frame),
                Err(end) => return Ok(end),
            },
            () = said.something.notified() => {
                if said.refused_input.swap(false, Ordering::Acquire) {
                    let code = ErrorCode::ReadOnly;
                    let frame = ServerFrame::Error { code, message: "this viewer may only read" };
                    if sink.send(Message::Binary(frame.encode().into())).await.is_err() {
                        return Ok(End::Left);
                    }
                }
                if !said.has_pong.swap(false, Ordering::Acquire) {
                    continue;
                }
                let token = said.pong.load(Ordering::Relaxed);
                Message::Binary(ServerFrame::Pong { token }.encode().into())
            }
            _ = pings.tick() => Message::Ping(Bytes::new()),
        };
        if sink.send(message).await.is_err() {
            return Ok(End::Left);
        }
    }
}

/// From the supervisor's words to the viewer's.
fn translate(reply: Reply<'_>) -> Result<Bytes, End> {
    let frame = match reply {
        Reply::Output { offset, bytes } => ServerFrame::Output { offset, bytes },
        Reply::Gap { from, to } => ServerFrame::Gap { from, to },
        Reply::InputAck { offset } => ServerFrame::InputAck { offset },
        Reply::Resized(size) => ServerFrame::Size(Size {
            cols: size.cols,
            rows: size.rows,
        }),
        Reply::Exited(exit) => return Err(End::frame(&ServerFrame::Exit(exit_status(exit)))),
        Reply::Refused { refusal, message } => return Err(End::error(error_code(refusal), &message)),
        Reply::Hello { .. } | Reply::Done | Reply::Started { .. } | Reply::Listing(_) | Reply::Attached { .. } => {
            return Err(End::error(
                ErrorCode::Unavailable,
                "the supervisor said something unexpected",
            ));
        }
    };
    Ok(frame.encode().into())
}

fn error_code(refusal: Refusal) -> ErrorCode {
    match refusal {
        Refusal::NotFound => ErrorCode::NotFound,
        Refusal::InputGap => ErrorCode::InputGap,
        Refusal::InputWindow => ErrorCode::InputWindow,
        Refusal::Replaced => ErrorCode::Replaced,
        Refusal::Protocol => ErrorCode::Protocol,
        Refusal::Version | Refusal::AlreadyExists | Refusal::Start | Refusal::TooMany | Refusal::Stopping => {
            ErrorCode::Unavailable
        }
    }
}
