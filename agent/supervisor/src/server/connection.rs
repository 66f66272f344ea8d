//! One client: bytes in, bytes out, and where it is in the stream that it watches.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::protocol::{OUTPUT_BYTES_MAX, Reply, Stream, Writer};

/// Replies that a client has not read: beyond this its requests wait.
const PENDING_BYTES_MAX: usize = 256 * 1024;

/// How far a viewer may be behind before the process waits for it: its window and a bit.
const PACE_SLACK_BYTES: u64 = 64 * 1024;

/// A viewer that does not get on by [`FAIR_BYTES`] in this time is not waited for any longer.
const FAIR_TIME: Duration = Duration::from_millis(250);

/// See [`FAIR_TIME`]: 128 KB/s, more than anyone can read, less than any working link carries.
const FAIR_BYTES: u64 = 32 * 1024;

pub(super) struct Connection {
    pub(super) stream: UnixStream,
    /// Whether versions were agreed on.
    pub(super) greeted: bool,
    /// End after what is pending was sent.
    pub(super) closing: bool,
    pub(super) view: Option<View>,
    received: Vec<u8>,
    pending: Vec<u8>,
    sent: usize,
}

/// A connection's place in a stream.
pub(super) struct View {
    pub(super) process: u64,
    pub(super) stream: Stream,
    pub(super) writer: Option<Writer>,
    pub(super) consume: bool,
    /// Next byte to send.
    pub(super) cursor: u64,
    pub(super) acknowledged: u64,
    pub(super) window: u64,
    /// Input that waits for room in the process's queue.
    pub(super) held: VecDeque<u8>,
    pub(super) end_input_at: Option<u64>,
    /// The acknowledgement that is due.
    pub(super) input_to_acknowledge: Option<u64>,
    /// Bytes taken over since the last one.
    pub(super) input_unacknowledged: u64,
    pub(super) told_exit: bool,
    pace: bool,
    /// Where and when it was last seen to get on, while it is behind.
    progress: Option<(u64, Instant)>,
    stalled: bool,
}

impl View {
    pub(super) fn new(attach: &crate::protocol::Attach, process: u64, start: u64) -> Self {
        Self {
            process,
            stream: attach.stream,
            writer: attach.writer,
            consume: attach.consume,
            cursor: start,
            acknowledged: start,
            window: u64::from(attach.window),
            held: VecDeque::new(),
            end_input_at: None,
            input_to_acknowledge: None,
            input_unacknowledged: 0,
            told_exit: false,
            pace: attach.pace,
            progress: None,
            stalled: false,
        }
    }

    /// Whether the process should wait for this viewer, and until when to look again.
    pub(super) fn holds_back(&mut self, end: u64, now: Instant) -> Option<Instant> {
        let behind = end.saturating_sub(self.acknowledged);
        if !self.pace || behind <= self.window + PACE_SLACK_BYTES {
            self.progress = None;
            self.stalled = false;
            return None;
        }
        if self.stalled {
            return None;
        }
        let (at, since) = *self.progress.get_or_insert((self.acknowledged, now));
        if self.acknowledged.saturating_sub(at) >= FAIR_BYTES {
            self.progress = Some((self.acknowledged, now));
            return Some(now + FAIR_TIME);
        }
        if now.duration_since(since) >= FAIR_TIME {
            self.stalled = true;
            return None;
        }
        Some(since + FAIR_TIME)
    }

    /// How many bytes may be sent now.
    pub(super) fn credit(&self) -> usize {
        let limit = self.acknowledged.saturating_add(self.window);
        let credit = limit.saturating_sub(self.cursor);
        usize::try_from(credit).unwrap_or(usize::MAX).min(OUTPUT_BYTES_MAX)
    }
}

impl Connection {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            greeted: false,
            closing: false,
            view: None,
            received: Vec::new(),
            pending: Vec::new(),
            sent: 0,
        }
    }

    /// Reads what there is; false when the client is gone.
    pub(super) fn receive(&mut self, scratch: &mut [u8]) -> bool {
        match self.stream.read(scratch) {
            Ok(0) => false,
            Ok(length) => {
                self.received
                    .extend_from_slice(scratch.get(..length).unwrap_or_default());
                true
            }
            Err(error) => matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
        }
    }

    /// What was received and not yet handled; give it back with [`put_back`](Self::put_back).
    pub(super) fn take_received(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.received)
    }

    pub(super) fn put_back(&mut self, mut received: Vec<u8>, handled: usize) {
        received.drain(..handled);
        if received.is_empty() && received.capacity() > 64 * 1024 {
            received = Vec::new();
        }
        self.received = received;
    }

    pub(super) fn say(&mut self, reply: &Reply<'_>) {
        reply.encode(&mut self.pending);
    }

    /// Sends `header` and the two pieces if everything before went out; what the socket does not take is kept.
    pub(super) fn send_direct(&mut self, header: &[u8], first: &[u8], second: &[u8]) -> io::Result<()> {
        let pieces = [IoSlice::new(header), IoSlice::new(first), IoSlice::new(second)];
        let mut sent = match self.stream.write_vectored(&pieces) {
            Ok(sent) => sent,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => 0,
            Err(error) => return Err(error),
        };
        for piece in [header, first, second] {
            let gone = sent.min(piece.len());
            self.pending.extend_from_slice(piece.get(gone..).unwrap_or_default());
            sent -= gone;
        }
        Ok(())
    }

    /// Sends what is pending; true when nothing is left.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        while let Some(rest) = self.pending.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(length) => self.sent += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.sent = 0;
        self.pending.clear();
        if self.pending.capacity() > 2 * OUTPUT_BYTES_MAX {
            self.pending = Vec::new();
        }
        Ok(true)
    }

    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// A client that does not read its replies is not read either.
    pub(super) fn may_receive(&self) -> bool {
        !self.closing && self.pending.len() <= PENDING_BYTES_MAX
    }
}
