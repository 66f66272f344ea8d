//! Connections to a supervisor.

use std::path::Path;
use std::time::Duration;

use sam_supervisor::protocol::{self, Attach, Reply, Request, Size, VERSION, VERSION_OLDEST};
use sam_supervisor::socket::Reachable;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::TerminalError;

/// A supervisor answers at once; one that does not is stopped (SIGSTOP, a frozen container).
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Smallest room for a read; it doubles while reads fill it.
const READ_BYTES: usize = 8 * 1024;

/// Identifies one supervisor process.
pub(crate) type Boot = [u8; 16];

/// A connection on which versions were agreed on.
pub(crate) struct Connection {
    pub(crate) requests: Requests,
    pub(crate) replies: Replies,
    pub(crate) boot: Boot,
}

/// The half that asks.
pub(crate) struct Requests {
    stream: OwnedWriteHalf,
    buffer: Vec<u8>,
}

/// The half that listens.
pub(crate) struct Replies {
    stream: OwnedReadHalf,
    buffer: Vec<u8>,
    handled: usize,
}

/// How an attached stream stands.
pub(crate) struct Attached {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) input_offset: u64,
    pub(crate) size: Size,
}

impl Connection {
    pub(crate) async fn open(socket: &Path) -> Result<Self, TerminalError> {
        timeout(ANSWER_MAX, Self::greet(socket))
            .await
            .map_err(|_| TerminalError::TimedOut(ANSWER_MAX))?
    }

    async fn greet(socket: &Path) -> Result<Self, TerminalError> {
        let reachable = Reachable::new(socket)?;
        let (read, write) = UnixStream::connect(reachable.path()).await?.into_split();
        let mut requests = Requests {
            stream: write,
            buffer: Vec::new(),
        };
        let mut replies = Replies {
            stream: read,
            buffer: Vec::new(),
            handled: 0,
        };
        let hello = Request::Hello {
            oldest: VERSION_OLDEST,
            newest: VERSION,
        };
        requests.send(&hello).await?;
        match replies.next().await? {
            Reply::Hello { boot, .. } => Ok(Self {
                requests,
                replies,
                boot,
            }),
            other => Err(unexpected(other)),
        }
    }

    /// Asks, and waits for the one answer.
    pub(crate) async fn ask(&mut self, request: &Request<'_>) -> Result<Reply<'_>, TerminalError> {
        let answer = async {
            self.requests.send(request).await?;
            self.replies.next().await
        };
        match timeout(ANSWER_MAX, answer).await {
            Ok(Ok(Reply::Refused { refusal, message })) => Err(TerminalError::refused(refusal, message)),
            Ok(answer) => answer,
            Err(_) => Err(TerminalError::TimedOut(ANSWER_MAX)),
        }
    }

    pub(crate) async fn attach(&mut self, attach: Attach) -> Result<Attached, TerminalError> {
        match self.ask(&Request::Attach(attach)).await? {
            Reply::Attached {
                start,
                end,
                input_offset,
                size,
            } => Ok(Attached {
                start,
                end,
                input_offset,
                size,
            }),
            other => Err(unexpected(other)),
        }
    }
}

impl Requests {
    pub(crate) async fn send(&mut self, request: &Request<'_>) -> Result<(), TerminalError> {
        self.buffer.clear();
        request.encode(&mut self.buffer);
        Ok(self.stream.write_all(&self.buffer).await?)
    }
}

impl Replies {
    /// The next reply. May be cancelled: what was read so far is kept.
    pub(crate) async fn next(&mut self) -> Result<Reply<'_>, TerminalError> {
        let length = loop {
            let rest = self.buffer.get(self.handled..).unwrap_or_default();
            if let Some(length) = protocol::whole_reply(rest)? {
                break length;
            }
            if self.handled > 0 {
                self.buffer.drain(..self.handled);
                self.handled = 0;
            }
            let spare = self.buffer.capacity() - self.buffer.len();
            if spare == 0 || self.buffer.is_empty() && spare < READ_BYTES {
                self.buffer.reserve(READ_BYTES.max(self.buffer.len()));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                let ended = std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the supervisor hung up");
                return Err(TerminalError::Unreachable(ended));
            }
        };
        let at = self.handled;
        self.handled += length;
        let message = self.buffer.get(at..at + length).unwrap_or_default();
        let reply = Reply::decode(message)?;
        reply
            .map(|(reply, _)| reply)
            .ok_or_else(|| TerminalError::Protocol("a message without an end".to_owned()))
    }
}

/// An answer that is none to what was asked.
pub(crate) fn unexpected(reply: Reply<'_>) -> TerminalError {
    match reply {
        Reply::Refused { refusal, message } => TerminalError::refused(refusal, message),
        other => TerminalError::Protocol(format!("unexpected {other:?}").chars().take(200).collect()),
    }
}
