//! A viewer: speaks the frames of a terminal, acknowledges output, keeps its unacknowledged input.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use futures::{SinkExt as _, StreamExt as _};
use http::Uri;
use sam_contract::terminal::{
    ACK_EVERY_BYTES, CHUNK_BYTES_MAX, ClientFrame, ErrorCode, ExitStatus, INPUT_WINDOW_BYTES, SUBPROTOCOL, ServerFrame,
    Size, ViewerId,
};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// Longest wait for anything: a busy machine is slow, a hung one is a failure.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The WebSocket under a viewer.
pub type Socket = WebSocketStream<TcpStream>;

/// Opens a WebSocket. `url` is `ws://host[:port]/path`; `headers` are added to the handshake (Origin, Cookie); a ticket
/// is offered as a further subprotocol.
pub async fn connect(url: &str, headers: &[(&str, &str)], subprotocols: &[&str]) -> Result<Socket> {
    let uri: Uri = url.parse().with_context(|| format!("reading the URL `{url}`"))?;
    let host = uri.host().with_context(|| format!("no host in `{url}`"))?;
    let port = uri.port_u16().unwrap_or(80);
    let tcp = TcpStream::connect((host, port))
        .await
        .with_context(|| format!("connecting to {host}:{port}"))?;
    tcp.set_nodelay(true)?;
    let mut request = url.into_client_request()?;
    let offered = subprotocols.join(", ");
    let fields = headers
        .iter()
        .copied()
        .chain([("sec-websocket-protocol", offered.as_str())]);
    for (name, value) in fields {
        let name = http::HeaderName::try_from(name)?;
        request.headers_mut().insert(name, value.parse()?);
    }
    let (socket, response) = tokio_tungstenite::client_async(request, tcp)
        .await
        .context("upgrading")?;
    let selected = response
        .headers()
        .get("sec-websocket-protocol")
        .and_then(|value| value.to_str().ok());
    if selected != Some(SUBPROTOCOL) {
        bail!("the server selected the subprotocol {selected:?}");
    }
    Ok(socket)
}

/// What outlives a connection: a browser tab keeps the same.
#[derive(Debug, Clone)]
pub struct Memory {
    /// Name of this viewer's input.
    pub viewer: ViewerId,
    /// Offset after the last byte seen.
    pub seen: u64,
    /// Input that was not acknowledged, and where it begins.
    unacknowledged: Vec<u8>,
    input_from: u64,
}

impl Memory {
    /// A new tab, which wants everything that is kept.
    pub fn new() -> Result<Self> {
        let mut viewer = [0; 16];
        getrandom::fill(&mut viewer).map_err(|error| anyhow!("no randomness: {error}"))?;
        Ok(Self {
            viewer,
            seen: 0,
            unacknowledged: Vec::new(),
            input_from: 0,
        })
    }

    /// How much input is not yet known to have arrived.
    #[must_use]
    pub fn input_waiting(&self) -> usize {
        self.unacknowledged.len()
    }
}

/// What a viewer hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Bytes of the terminal.
    Output(Vec<u8>),
    /// Bytes that are gone: from, to.
    Gap(u64, u64),
    /// The terminal's new size.
    Size(Size),
    /// Input before this offset arrived.
    InputAck(u64),
    /// The answer to a ping.
    Pong(u64),
    /// The program ended.
    Exit(ExitStatus),
    /// The supervisor died.
    Lost,
    /// A refusal.
    Error(ErrorCode, String),
    /// The connection ended, in whatever way.
    Closed,
}

/// How the terminal stood when the viewer arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Welcome {
    /// First byte that comes.
    pub start: u64,
    /// End of the output at that moment.
    pub end: u64,
    /// The terminal's size.
    pub size: Size,
    /// Whether input is refused.
    pub read_only: bool,
}

/// A connected viewer.
pub struct Viewer {
    socket: Socket,
    /// What a reconnect needs.
    pub memory: Memory,
    acknowledged: u64,
    /// Set to false to become a viewer that stalls.
    pub acknowledges: bool,
}

impl Viewer {
    /// Says hello and waits for the welcome; sends waiting input again.
    pub async fn open(socket: Socket, memory: Memory, from: u64, size: Size) -> Result<(Self, Welcome)> {
        let mut viewer = Self {
            socket,
            memory,
            acknowledged: 0,
            acknowledges: true,
        };
        let hello = ClientFrame::Hello {
            viewer: viewer.memory.viewer,
            from,
            size,
        };
        viewer.send(&hello).await?;
        let message = viewer.message().await?.context("closed before the welcome")?;
        let welcome = match ServerFrame::decode(&message)? {
            ServerFrame::Welcome {
                start,
                end,
                input_offset,
                size,
                read_only,
            } => {
                viewer.memory.seen = start;
                viewer.acknowledged = start;
                viewer.input_arrived(input_offset)?;
                Welcome {
                    start,
                    end,
                    size,
                    read_only,
                }
            }
            other => bail!("expected a welcome, got {other:?}"),
        };
        let waiting = viewer.memory.unacknowledged.clone();
        viewer.send_input(viewer.memory.input_from, &waiting).await?;
        Ok((viewer, welcome))
    }

    /// Connects, or connects again, from where the memory ends.
    pub async fn attach(url: &str, memory: Memory, size: Size) -> Result<(Self, Welcome)> {
        let socket = connect(url, &[], &[SUBPROTOCOL]).await?;
        let from = memory.seen;
        Self::open(socket, memory, from, size).await
    }

    /// Sends input, of which at most a window may wait.
    pub async fn input(&mut self, bytes: &[u8]) -> Result<()> {
        let offset = self.memory.input_from + self.memory.unacknowledged.len() as u64;
        self.memory.unacknowledged.extend_from_slice(bytes);
        if self.memory.unacknowledged.len() as u64 > INPUT_WINDOW_BYTES {
            bail!("more input than the window takes");
        }
        self.send_input(offset, bytes).await
    }

    async fn send_input(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut offset = offset;
        for bytes in bytes.chunks(CHUNK_BYTES_MAX) {
            self.send(&ClientFrame::Input { offset, bytes }).await?;
            offset += bytes.len() as u64;
        }
        Ok(())
    }

    /// Sends any frame.
    pub async fn send(&mut self, frame: &ClientFrame<'_>) -> Result<()> {
        let sent = timeout(PATIENCE, self.socket.send(Message::Binary(frame.encode().into()))).await;
        Ok(sent.context("sending took too long")??)
    }

    /// The viewer's screen changes.
    pub async fn resize(&mut self, cols: u16, rows: u16) -> Result<()> {
        self.send(&ClientFrame::Resize(Size { cols, rows })).await
    }

    /// The next thing heard; output is acknowledged as it is read.
    pub async fn next(&mut self) -> Result<Event> {
        let Some(message) = self.message().await? else {
            return Ok(Event::Closed);
        };
        Ok(match ServerFrame::decode(&message)? {
            ServerFrame::Output { offset, bytes } => {
                if offset != self.memory.seen {
                    bail!("output goes on at {offset}, not at {}", self.memory.seen);
                }
                self.memory.seen += bytes.len() as u64;
                let bytes = bytes.to_vec();
                if self.memory.seen - self.acknowledged >= ACK_EVERY_BYTES {
                    self.acknowledge().await?;
                }
                Event::Output(bytes)
            }
            ServerFrame::Gap { from, to } => {
                self.memory.seen = to;
                self.acknowledge().await?;
                Event::Gap(from, to)
            }
            ServerFrame::InputAck { offset } => {
                self.input_arrived(offset)?;
                Event::InputAck(offset)
            }
            ServerFrame::Size(size) => Event::Size(size),
            ServerFrame::Exit(status) => Event::Exit(status),
            ServerFrame::Lost => Event::Lost,
            ServerFrame::Pong { token } => Event::Pong(token),
            ServerFrame::Error { code, message } => Event::Error(code, message.to_owned()),
            ServerFrame::Welcome { .. } => bail!("a second welcome"),
        })
    }

    /// Reads until `found` likes everything printed since this call; other events are passed over.
    pub async fn until(&mut self, what: &str, found: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        while !found(&all) {
            match self.next().await {
                Ok(Event::Output(bytes)) => all.extend_from_slice(&bytes),
                Ok(Event::Exit(_) | Event::Lost | Event::Closed | Event::Error(..)) | Err(_) => {
                    let tail = all.len().saturating_sub(400);
                    let printed = String::from_utf8_lossy(all.get(tail..).unwrap_or_default()).into_owned();
                    bail!("it ended before {what}; it printed …{printed:?}");
                }
                Ok(_) => {}
            }
        }
        Ok(all)
    }

    /// Reads until `text` was printed.
    pub async fn expect(&mut self, text: &str) -> Result<Vec<u8>> {
        let wanted = text.as_bytes();
        self.until(text, |all| all.windows(wanted.len()).any(|window| window == wanted))
            .await
    }

    /// Reads until an event that `wanted` likes; passes over others.
    pub async fn event(&mut self, wanted: impl Fn(&Event) -> bool) -> Result<Event> {
        loop {
            let event = self.next().await?;
            if wanted(&event) {
                return Ok(event);
            }
            if event == Event::Closed {
                bail!("closed before the expected event");
            }
        }
    }

    /// The connection breaks, without a goodbye.
    #[must_use]
    pub fn drop_connection(self) -> Memory {
        self.memory
    }

    async fn acknowledge(&mut self) -> Result<()> {
        if !self.acknowledges {
            return Ok(());
        }
        self.acknowledged = self.memory.seen;
        let offset = self.acknowledged;
        self.send(&ClientFrame::Ack { offset }).await
    }

    fn input_arrived(&mut self, offset: u64) -> Result<()> {
        let arrived = offset
            .checked_sub(self.memory.input_from)
            .context("input was unacknowledged again")?;
        let arrived = usize::try_from(arrived)?;
        if arrived > self.memory.unacknowledged.len() {
            bail!("input acknowledged that was never sent");
        }
        self.memory.unacknowledged.drain(..arrived);
        self.memory.input_from = offset;
        Ok(())
    }

    async fn message(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            let next = timeout(PATIENCE, self.socket.next())
                .await
                .context("nothing came in time")?;
            match next {
                Some(Ok(Message::Binary(bytes))) => return Ok(Some(bytes.into())),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) if !other.is_close() => bail!("a message that is no frame: {other:?}"),
                _ => return Ok(None),
            }
        }
    }
}
