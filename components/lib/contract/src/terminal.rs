//! Frames of a terminal's WebSocket, subprotocol [`SUBPROTOCOL`]. Versioned: a change of layout is a new subprotocol.
//!
//! Each binary WebSocket message is exactly one frame; a text message is a protocol error. Integers are unsigned and
//! **big-endian**. `u64` offsets count bytes from the terminal's first byte and stay below 2^53, except [`LATEST`].
//! Terminal bytes are opaque: a frame may end in the middle of a UTF-8 character or of an escape sequence.
//!
//! ```text
//! client → server
//!   01 Hello     viewer[16] from:u64 cols:u16 rows:u16    29 bytes; the first frame, once
//!   02 Input     offset:u64 bytes…                         9 + n bytes, n ≥ 1
//!   03 Resize    cols:u16 rows:u16                         5 bytes
//!   04 Ack       offset:u64                                9 bytes
//!   05 Ping      token:u64                                 9 bytes
//! server → client
//!   81 Welcome   start:u64 end:u64 input_offset:u64 cols:u16 rows:u16 flags:u8    30 bytes; the first frame, once
//!   82 Output    offset:u64 bytes…                         9 + n bytes, n ≥ 1
//!   83 Gap       from:u64 to:u64                          17 bytes
//!   84 InputAck  offset:u64                                9 bytes
//!   85 Size      cols:u16 rows:u16                         5 bytes
//!   86 Exit      kind:u8 value:u32                         6 bytes; kind 00: value is the exit code, 01: the signal
//!   87 Lost                                                1 byte
//!   88 Pong      token:u64                                 9 bytes
//!   89 Error     code:u16 message…                         3 + n bytes, message in UTF-8
//! ```
//!
//! **Output.** The client asks for all bytes from `from` on: 0 (a fresh page wants whatever is still kept), the offset
//! after the last byte it has shown (a reconnect), or [`LATEST`]. `Welcome.start` is the first byte that will come,
//! `Welcome.end` the end at that moment: until it is reached the client is replaying (an interface may hold back
//! drawing until then). `Output` frames follow each other without a hole; where bytes are no longer kept, one `Gap`
//! says that the next byte is `to` (a `to` below `from` means that the server never had `from`): reset the screen. The
//! program of a writer that begins with a gap is made to draw its screen anew.
//!
//! **Credit.** The server sends at most [`WINDOW_BYTES`] beyond the offset that the client acknowledged last
//! (`Welcome.start` at first). `Ack.offset` is the offset after the last byte the client is done with. After a `Gap` the
//! client acknowledges `to` at once. Acknowledge every [`ACK_EVERY_BYTES`] or so. A client that stops acknowledging is
//! not disconnected: it finds a `Gap` when it goes on, and the shell never waits for it.
//!
//! **Input** is exactly once per viewer. `viewer` is 16 random bytes that the client keeps as long as its unacknowledged
//! input (a browser: per tab). Its input bytes are counted from 0; `Welcome.input_offset` and `InputAck` say how many the
//! supervisor has taken over. After a reconnect the client sends again what lies beyond `Welcome.input_offset`; bytes
//! below are dropped as duplicates. At most [`INPUT_WINDOW_BYTES`] may be unacknowledged. Input from a read-only viewer
//! (`flags` bit 0) gets [`ErrorCode::ReadOnly`] and is dropped. [`ErrorCode::InputGap`] ends the connection: the client
//! takes a new viewer id, counts from 0 again and reconnects.
//!
//! **Size.** With several writers the one that was active last (typed, resized or arrived) decides, as in tmux's
//! `window-size latest`; a viewer that only reads never does. Every viewer is told by `Size`; it is ordered with the
//! output. Sizes are cut to 1..=[`SIZE_MAX`].
//!
//! **Ends.** `Exit` comes after the last byte of output. `Lost`: the supervisor died and the shell with it. After `Exit`,
//! `Lost` and a fatal `Error` the server closes the WebSocket with code 1000. Any other end of the connection is a
//! drop: reconnect with the same viewer and `from` = the offset after the last byte shown.

mod decode;
mod encode;

pub use decode::Malformed;

/// WebSocket subprotocol of these frames.
pub const SUBPROTOCOL: &str = "sam.terminal.v1";

/// A second offered subprotocol with this prefix carries the one-time ticket; it is never selected.
pub const TICKET_PREFIX: &str = "ticket.";

/// `Hello.from`: only what comes from now on.
pub const LATEST: u64 = u64::MAX;

/// How far output may run ahead of the acknowledged offset: enough for 100 MB/s at 2 ms round trip, little enough that
/// what is in flight never delays the answer to Ctrl-C noticeably.
pub const WINDOW_BYTES: u64 = 256 * 1024;

/// How often a client should acknowledge: a quarter of the window keeps the server sending.
pub const ACK_EVERY_BYTES: u64 = WINDOW_BYTES / 4;

/// How much input a viewer may have under way: a large paste goes out in pieces of this.
pub const INPUT_WINDOW_BYTES: u64 = 64 * 1024;

/// Largest number of terminal bytes in one `Output` or `Input` frame.
pub const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// Largest frame: what a WebSocket of this protocol has to accept as one message.
pub const FRAME_BYTES_MAX: usize = CHUNK_BYTES_MAX + 64;

/// Largest number of columns or rows; larger ones are cut.
pub const SIZE_MAX: u16 = 2000;

/// Frame kinds, the first byte of each frame.
pub mod kind {
    /// [`ClientFrame::Hello`](super::ClientFrame::Hello).
    pub const HELLO: u8 = 0x01;
    /// [`ClientFrame::Input`](super::ClientFrame::Input).
    pub const INPUT: u8 = 0x02;
    /// [`ClientFrame::Resize`](super::ClientFrame::Resize).
    pub const RESIZE: u8 = 0x03;
    /// [`ClientFrame::Ack`](super::ClientFrame::Ack).
    pub const ACK: u8 = 0x04;
    /// [`ClientFrame::Ping`](super::ClientFrame::Ping).
    pub const PING: u8 = 0x05;
    /// [`ServerFrame::Welcome`](super::ServerFrame::Welcome).
    pub const WELCOME: u8 = 0x81;
    /// [`ServerFrame::Output`](super::ServerFrame::Output).
    pub const OUTPUT: u8 = 0x82;
    /// [`ServerFrame::Gap`](super::ServerFrame::Gap).
    pub const GAP: u8 = 0x83;
    /// [`ServerFrame::InputAck`](super::ServerFrame::InputAck).
    pub const INPUT_ACK: u8 = 0x84;
    /// [`ServerFrame::Size`](super::ServerFrame::Size).
    pub const SIZE: u8 = 0x85;
    /// [`ServerFrame::Exit`](super::ServerFrame::Exit).
    pub const EXIT: u8 = 0x86;
    /// [`ServerFrame::Lost`](super::ServerFrame::Lost).
    pub const LOST: u8 = 0x87;
    /// [`ServerFrame::Pong`](super::ServerFrame::Pong).
    pub const PONG: u8 = 0x88;
    /// [`ServerFrame::Error`](super::ServerFrame::Error).
    pub const ERROR: u8 = 0x89;
}

/// Sixteen random bytes of a viewer: its input is counted under this name.
pub type ViewerId = [u8; 16];

/// Columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Columns, 1..=[`SIZE_MAX`].
    pub cols: u16,
    /// Rows, 1..=[`SIZE_MAX`].
    pub rows: u16,
}

impl Size {
    /// The size a program assumes that is told nothing.
    pub const DEFAULT: Self = Self { cols: 80, rows: 24 };

    /// Cuts both to what a terminal can have.
    #[must_use]
    pub fn cut(self) -> Self {
        Self {
            cols: self.cols.clamp(1, SIZE_MAX),
            rows: self.rows.clamp(1, SIZE_MAX),
        }
    }
}

/// How the program of a terminal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitStatus {
    /// It returned this code.
    Code(u32),
    /// This signal killed it.
    Signal(u32),
}

/// Why the server refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum ErrorCode {
    /// Not a frame, or not one that may come now. Fatal.
    Protocol = 1,
    /// No such terminal. Fatal.
    NotFound = 2,
    /// Input or resize from a viewer that may only read; the connection goes on.
    ReadOnly = 3,
    /// Input beyond what the supervisor knows of this viewer: bytes are missing. Fatal, take a new viewer id.
    InputGap = 4,
    /// More unacknowledged input than [`INPUT_WINDOW_BYTES`]. Fatal.
    InputWindow = 5,
    /// The same viewer connected again; this older connection ends. Fatal.
    Replaced = 6,
    /// The agent cannot reach the workspace at the moment. Fatal, try again.
    Unavailable = 7,
    /// As many viewers as a terminal takes. Fatal, try again later.
    TooMany = 8,
}

impl ErrorCode {
    /// All codes with their names, as the web app gets them.
    pub const ALL: &[(Self, &str)] = &[
        (Self::Protocol, "PROTOCOL"),
        (Self::NotFound, "NOT_FOUND"),
        (Self::ReadOnly, "READ_ONLY"),
        (Self::InputGap, "INPUT_GAP"),
        (Self::InputWindow, "INPUT_WINDOW"),
        (Self::Replaced, "REPLACED"),
        (Self::Unavailable, "UNAVAILABLE"),
        (Self::TooMany, "TOO_MANY"),
    ];

    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u16 {
        self as u16
    }

    fn from_number(number: u16) -> Option<Self> {
        Self::ALL
            .iter()
            .map(|(code, _)| *code)
            .find(|code| code.number() == number)
    }
}

/// What a client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientFrame<'a> {
    /// Opens the session.
    Hello {
        /// Whose input follows.
        viewer: ViewerId,
        /// First byte wanted, or [`LATEST`].
        from: u64,
        /// The viewer's screen.
        size: Size,
    },
    /// Typed or pasted bytes.
    Input {
        /// Position of the first byte in this viewer's input.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The viewer's screen changed.
    Resize(Size),
    /// All output before this offset was dealt with.
    Ack {
        /// Offset after the last byte.
        offset: u64,
    },
    /// Asks for a [`ServerFrame::Pong`]: latency, and a sign of life.
    Ping {
        /// Comes back as it is.
        token: u64,
    },
}

/// What the server sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerFrame<'a> {
    /// Answers `Hello`.
    Welcome {
        /// First byte that will be sent.
        start: u64,
        /// End of the output at this moment.
        end: u64,
        /// How much of this viewer's input arrived.
        input_offset: u64,
        /// The terminal's size now.
        size: Size,
        /// Whether input is refused (flags bit 0).
        read_only: bool,
    },
    /// Bytes of the terminal.
    Output {
        /// Position of the first byte.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Bytes that are no longer kept.
    Gap {
        /// Where the client is.
        from: u64,
        /// Where it goes on.
        to: u64,
    },
    /// This viewer's input before `offset` is in the supervisor.
    InputAck {
        /// Offset after the last byte taken.
        offset: u64,
    },
    /// The terminal has this size from here on.
    Size(Size),
    /// The program ended; all output was sent.
    Exit(ExitStatus),
    /// The supervisor died.
    Lost,
    /// Answers `Ping`; only the newest of several waiting pings is answered.
    Pong {
        /// The ping's token.
        token: u64,
    },
    /// A refusal.
    Error {
        /// What kind.
        code: ErrorCode,
        /// In words, for the log and the curious.
        message: &'a str,
    },
}
