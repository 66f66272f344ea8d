//! What clients and the supervisor say to each other over its Unix socket. Versioned: a running supervisor may be older
//! or newer than the agent, so each side accepts what the other's [`Hello`](Request::Hello) allows, listings may gain
//! fields, and new message kinds are only sent to who knows them.
//!
//! A message is `length:u32 kind:u8 body`, big-endian, `length` counting kind and body. A connection is either used for
//! requests (each answered by one reply, in order) or, after [`Attach`](Request::Attach), as a viewer of one stream of
//! one process; then the supervisor also pushes [`Output`](Reply::Output), [`Gap`](Reply::Gap),
//! [`InputAck`](Reply::InputAck), [`Resized`](Reply::Resized) and, at the end, [`Exited`](Reply::Exited).

mod decode;
mod encode;

pub use decode::{Malformed, whole_reply};
pub(crate) use encode::output_header;

/// The version spoken here.
pub const VERSION: u16 = 1;

/// The oldest version understood here.
pub const VERSION_OLDEST: u16 = 1;

/// Bytes of output kept for each stream.
pub const RING_BYTES: usize = 1 << 20;

/// Input that a process has not read yet and that the supervisor has taken over, at most.
pub const INPUT_QUEUE_BYTES: usize = 64 * 1024;

/// Input that a connection may have sent and not seen acknowledged, at most.
pub const INPUT_WINDOW_BYTES: usize = 64 * 1024;

/// Bytes in one `Output`, at most.
pub const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// Longest request: room for argv and environment of a process.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Longest reply: a listing of [`PROCESSES_MAX`] with the longest texts.
pub const REPLY_BYTES_MAX: usize = 32 << 20;

/// Processes known at a time, ended ones included.
pub const PROCESSES_MAX: usize = 2048;

/// Longest id and longest description of a process.
pub const TEXT_BYTES_MAX: usize = 4096;

/// `Attach.from`: only what comes from now on.
pub const LATEST: u64 = u64::MAX;

/// Names a writer: its input is counted under this name.
pub type Writer = [u8; 16];

/// Columns and rows of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
}

/// What a process reads from and writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A terminal of this size. What nobody reads in time is forgotten.
    Pty(Size),
    /// Three pipes. `lossless`: nothing is forgotten before a viewer with [`Attach::consume`] acknowledged it; the process
    /// waits instead, as it would for any slow reader of a pipe.
    Pipes {
        /// See above.
        lossless: bool,
    },
}

/// User and group a process runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// A process to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Chosen by the caller, unique while the process is known.
    pub id: String,
    /// The caller's own description, given back in listings (the agent keeps a terminal's name here).
    pub meta: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Working folder; empty means the supervisor's own.
    pub cwd: String,
    /// Added to the supervisor's own environment.
    pub env: Vec<(String, String)>,
    /// Who it runs as; without, as the supervisor.
    pub user: Option<User>,
    /// Terminal or pipes.
    pub channel: Channel,
}

/// One of the output streams of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    /// The terminal, or standard output.
    Out,
    /// Standard error of a piped process.
    Err,
}

/// Makes a connection a viewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attach {
    /// Which process.
    pub id: String,
    /// Which stream.
    pub stream: Stream,
    /// First byte wanted, or [`LATEST`].
    pub from: u64,
    /// How far output may run ahead of what was acknowledged.
    pub window: u32,
    /// Whose input comes on this connection; an older connection of the same writer is ended.
    pub writer: Option<Writer>,
    /// The process may be slowed down for this viewer while it keeps reading at a fair rate.
    pub pace: bool,
    /// Acknowledging frees bytes of a lossless stream.
    pub consume: bool,
}

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request<'a> {
    /// First message: the versions the client speaks. Answered by [`Reply::Hello`].
    Hello {
        /// Oldest.
        oldest: u16,
        /// Newest.
        newest: u16,
    },
    /// Starts a process. Answered by [`Reply::Started`].
    Start(Start),
    /// Answered by [`Reply::Listing`].
    List,
    /// Replaces a description. Answered by [`Reply::Done`].
    Describe {
        /// Which process.
        id: String,
        /// The new description.
        meta: String,
    },
    /// Gives a terminal another size. Answered by [`Reply::Done`].
    Resize {
        /// Which process.
        id: String,
        /// The new size.
        size: Size,
    },
    /// Makes a terminal's program draw its screen anew, by another size for a moment: for a viewer that has not seen
    /// all output. Answered by [`Reply::Done`].
    Redraw {
        /// Which process.
        id: String,
    },
    /// Sends a signal to the process group. Answered by [`Reply::Done`].
    Signal {
        /// Which process.
        id: String,
        /// Linux signal number.
        signal: u8,
    },
    /// Ends a process if it runs (hang-up, then kill) and forgets it. Answered by [`Reply::Done`], also when unknown.
    Remove {
        /// Which process.
        id: String,
    },
    /// Ends everything and then the supervisor. Answered by [`Reply::Done`].
    Shutdown,
    /// Answered by [`Reply::Attached`]; from then on only the three messages below are accepted.
    Attach(Attach),
    /// Input; answered by [`Reply::InputAck`] once taken over, which may be later.
    Input {
        /// Position of the first byte in this writer's input.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// All output before `offset` was dealt with.
    Ack {
        /// Offset after the last byte.
        offset: u64,
    },
    /// No more input comes after `offset`: closes standard input of a piped process.
    EndInput {
        /// The writer's offset at which its input ends.
        offset: u64,
    },
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By returning this code.
    Code(u32),
    /// By this signal.
    Signal(u32),
}

/// One process in a listing. Times are UTC epoch milliseconds, 0 for never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub id: String,
    /// The caller's description.
    pub meta: String,
    /// Size, for a terminal.
    pub size: Option<Size>,
    /// Process id inside the supervisor's PID namespace.
    pub pid: u32,
    /// Set once it ended and its output is complete.
    pub exit: Option<Exit>,
    /// Bytes kept of terminal or standard output: from, to.
    pub out: (u64, u64),
    /// Bytes kept of standard error: from, to.
    pub err: (u64, u64),
    /// When it was started.
    pub created_ms: u64,
    /// Newest input.
    pub last_input_ms: u64,
    /// Newest output.
    pub last_output_ms: u64,
    /// Connections attached.
    pub viewers: u32,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Refusal {
    /// No common version.
    Version = 1,
    /// Malformed, or not now.
    Protocol = 2,
    /// No such process.
    NotFound = 3,
    /// That id is taken.
    AlreadyExists = 4,
    /// The process cannot be started.
    Start = 5,
    /// Input that does not continue what is known of this writer.
    InputGap = 6,
    /// More unacknowledged input than [`INPUT_WINDOW_BYTES`].
    InputWindow = 7,
    /// The same writer attached again.
    Replaced = 8,
    /// As many processes as the supervisor takes.
    TooMany = 9,
    /// It is shutting down.
    Stopping = 10,
}

impl Refusal {
    const ALL: [Self; 10] = [
        Self::Version,
        Self::Protocol,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Start,
        Self::InputGap,
        Self::InputWindow,
        Self::Replaced,
        Self::TooMany,
        Self::Stopping,
    ];
}

/// What the supervisor says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply<'a> {
    /// The version to speak from here on.
    Hello {
        /// The newest that both speak.
        version: u16,
        /// Random for each supervisor process: another value means that its shells are gone.
        boot: [u8; 16],
        /// Its release, for people.
        release: String,
    },
    /// Done, nothing to say.
    Done,
    /// Runs.
    Started {
        /// Its process id.
        pid: u32,
    },
    /// All processes, oldest first.
    Listing(Vec<Process>),
    /// Attached.
    Attached {
        /// First byte that comes.
        start: u64,
        /// End of the stream now.
        end: u64,
        /// How much of the writer's input was taken over.
        input_offset: u64,
        /// The terminal's size (zero for pipes).
        size: Size,
    },
    /// Bytes of the stream.
    Output {
        /// Position of the first.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The bytes between are no longer kept.
    Gap {
        /// Where the viewer is.
        from: u64,
        /// Where it goes on.
        to: u64,
    },
    /// This writer's input before `offset` was taken over.
    InputAck {
        /// Offset after the last byte.
        offset: u64,
    },
    /// The terminal has this size from here on.
    Resized(Size),
    /// It ended, and all of this stream was sent.
    Exited(Exit),
    /// Refused; fatal for an attached connection.
    Refused {
        /// Why.
        refusal: Refusal,
        /// In words.
        message: String,
    },
}
