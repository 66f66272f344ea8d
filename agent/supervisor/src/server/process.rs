//! One process: its output rings, its input queue, who writes to it.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::epoll::{Epoll, Part, Token};
use super::spawn::{self, Ends};
use crate::protocol::{self, Channel, Exit, INPUT_QUEUE_BYTES, RING_BYTES, Size, Start, Stream, Writer};
use crate::ring::Ring;

/// How long what a process wrote last may be on its way after it ended, when something else keeps its terminal open.
const TERMINAL_GRACE: Duration = Duration::from_millis(200);

/// The same for pipes, where a child may legitimately go on writing for a moment.
const PIPES_GRACE: Duration = Duration::from_secs(1);

/// How long a terminal rests that prints line by line without being typed at. Its lines then travel together: each
/// alone would wake supervisor, agent and browser.
pub(super) const REST: Duration = Duration::from_millis(2);

/// How long a program sees the other size when it is to draw anew: long enough to notice both changes.
pub(super) const REDRAW: Duration = Duration::from_millis(50);

/// A read of less than this found the terminal drained.
const DRAINED_BYTES: usize = 2048;

/// How many writers are remembered; the one that wrote longest ago is forgotten first.
const WRITERS_MAX: usize = 256;

/// Read in one go before the viewers are served: large enough to fill a frame, small enough to be quick.
const READ_BYTES: usize = 64 * 1024;

pub(super) struct Process {
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) meta: String,
    pub(super) pid: u32,
    /// How it ended, as the kernel said.
    pub(super) ended: Option<Exit>,
    /// The same once its output is complete, which is when clients learn of it.
    pub(super) exit: Option<Exit>,
    pub(super) size: Option<Size>,
    /// Connections attached, in order of arrival.
    pub(super) viewers: Vec<u64>,
    pub(super) created_ms: u64,
    pub(super) last_input_ms: u64,
    pub(super) last_output_ms: u64,
    /// A viewer is being waited for.
    pub(super) paused: bool,
    /// A timer will look at the viewers again.
    pub(super) pace_timer: bool,
    /// See [`REST`]; a timer ends it.
    pub(super) rests: bool,
    /// When output was read last, unless something was typed since.
    read_at: Option<Instant>,
    lossless: bool,
    ends: Ends,
    out: Output,
    err: Output,
    input: VecDeque<u8>,
    input_ends: bool,
    /// (name, bytes taken over), the most recent last.
    writers: Vec<(Writer, u64)>,
}

struct Output {
    ring: Ring,
    /// Nothing more will come.
    complete: bool,
    /// For a lossless stream: bytes before this are no longer needed.
    released: u64,
}

impl Output {
    fn new(complete: bool) -> Self {
        Self {
            ring: Ring::new(RING_BYTES),
            complete,
            released: 0,
        }
    }

    fn room(&self, lossless: bool) -> usize {
        if !lossless {
            return READ_BYTES;
        }
        let kept = usize::try_from(self.ring.end() - self.released).unwrap_or(usize::MAX);
        self.ring.bytes_max().saturating_sub(kept).min(READ_BYTES)
    }
}

impl Process {
    pub(super) fn new(number: u64, start: Start, pid: u32, ends: Ends, now_ms: u64) -> Self {
        let (size, lossless) = match start.channel {
            Channel::Pty(size) => (Some(size), false),
            Channel::Pipes { lossless } => (None, lossless),
        };
        Self {
            number,
            id: start.id,
            meta: start.meta,
            pid,
            ended: None,
            exit: None,
            size,
            viewers: Vec::new(),
            created_ms: now_ms,
            last_input_ms: 0,
            last_output_ms: 0,
            paused: false,
            pace_timer: false,
            rests: false,
            read_at: None,
            lossless,
            err: Output::new(size.is_some()),
            out: Output::new(false),
            ends,
            input: VecDeque::new(),
            input_ends: false,
            writers: Vec::new(),
        }
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.size.is_some()
    }

    pub(super) fn ring(&self, stream: Stream) -> &Ring {
        match stream {
            Stream::Out => &self.out.ring,
            Stream::Err => &self.err.ring,
        }
    }

    pub(super) fn grace(&self) -> Duration {
        if self.is_terminal() {
            TERMINAL_GRACE
        } else {
            PIPES_GRACE
        }
    }

    /// Whether output is left unread on purpose.
    pub(super) fn waits_for_viewers(&self) -> bool {
        let full = |output: &Output| !output.complete && output.room(self.lossless) == 0;
        self.paused || full(&self.out) || full(&self.err)
    }

    pub(super) fn output_complete(&self) -> bool {
        self.out.complete && self.err.complete
    }

    pub(super) fn give_up_output(&mut self) {
        self.out.complete = true;
        self.err.complete = true;
    }

    /// The viewer of a lossless stream is done with everything before `offset`.
    pub(super) fn release(&mut self, stream: Stream, offset: u64) {
        let output = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        };
        output.released = output.released.max(offset.min(output.ring.end()));
    }

    /// Reads what there is, at most [`READ_BYTES`].
    pub(super) fn read_output(&mut self, part: Part, scratch: &mut [u8], now_ms: u64) {
        let (fd, output) = match part {
            Part::Err => (&self.ends.err, &mut self.err),
            _ => (
                self.ends.out.as_ref().map_or(&self.ends.input, |_| &self.ends.out),
                &mut self.out,
            ),
        };
        let Some(fd) = fd else {
            return;
        };
        let mut left = output.room(self.lossless);
        while left > 0 {
            let most = left.min(scratch.len());
            let Some(place) = scratch.get_mut(..most) else {
                return;
            };
            match rustix::io::read(fd, place) {
                // A terminal says EIO when its last user closed it; a pipe says 0.
                Ok(0) | Err(Errno::IO) => {
                    output.complete = true;
                    return;
                }
                Ok(length) => {
                    output.ring.push(scratch.get(..length).unwrap_or_default());
                    self.last_output_ms = now_ms;
                    left -= length;
                    if length < DRAINED_BYTES {
                        return; // Drained in all likelihood; if not, we are called again.
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => {
                    output.complete = true;
                    return;
                }
            }
        }
    }

    /// Called after each read: whether the terminal should rest before the next one. What is typed is answered at once,
    /// and a flood, which fills its reads, never rests.
    pub(super) fn should_rest(&mut self, read: u64, now: Instant) -> bool {
        let before = self.read_at.replace(now);
        let soon = before.is_some_and(|before| now.duration_since(before) < REST);
        self.rests = self.is_terminal() && soon && read < DRAINED_BYTES as u64;
        self.rests
    }

    pub(super) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    pub(super) fn input_room(&self) -> usize {
        INPUT_QUEUE_BYTES.saturating_sub(self.input.len())
    }

    /// How much of this writer's input was taken over.
    pub(super) fn input_offset(&self, writer: &Writer) -> u64 {
        let known = self.writers.iter().find(|(name, _)| name == writer);
        known.map_or(0, |(_, offset)| *offset)
    }

    /// Takes over input. A process that has ended takes all and forgets it.
    pub(super) fn take_input(&mut self, writer: &Writer, bytes: impl Iterator<Item = u8>, now_ms: u64) {
        let before = self.input.len();
        self.input.extend(bytes);
        let taken = (self.input.len() - before) as u64;
        let offset = self.input_offset(writer) + taken;
        self.writers.retain(|(name, _)| name != writer);
        if self.writers.len() >= WRITERS_MAX {
            self.writers.remove(0);
        }
        self.writers.push((*writer, offset));
        self.last_input_ms = now_ms;
        if self.ends.input.is_none() {
            self.input.clear();
        }
    }

    /// Standard input ends after what is queued. A terminal has no such end.
    pub(super) fn end_input(&mut self) {
        self.input_ends = !self.is_terminal();
    }

    /// Writes queued input as far as it goes.
    pub(super) fn write_input(&mut self, epoll: &mut Epoll) {
        while let Some(fd) = &self.ends.input {
            let (bytes, _) = self.input.as_slices();
            if bytes.is_empty() {
                break;
            }
            match rustix::io::write(fd, bytes) {
                Ok(written) => {
                    self.input.drain(..written);
                    (self.read_at, self.rests) = (None, false);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) if self.is_terminal() => {
                    self.input.clear();
                    break;
                }
                // The program closed its standard input.
                Err(_) => {
                    self.input.clear();
                    self.input_ends = true;
                }
            }
        }
        if self.input_ends
            && self.input.is_empty()
            && let Some(fd) = self.ends.input.take()
        {
            drop(epoll.forget(fd.as_fd(), Token::new(Part::In, self.number)));
        }
    }

    pub(super) fn resize(&mut self, size: Size) -> io::Result<()> {
        if let (Some(known), Some(terminal)) = (&mut self.size, &self.ends.input) {
            spawn::resize(terminal, size)?;
            *known = size;
        }
        Ok(())
    }

    /// Another size for a moment, which no viewer is told; [`REDRAW`] later comes the right one.
    pub(super) fn begin_redraw(&self) -> io::Result<()> {
        let (Some(size), Some(terminal)) = (self.size, &self.ends.input) else {
            return Ok(());
        };
        let rows = if size.rows > 1 { size.rows - 1 } else { 2 };
        spawn::resize(terminal, Size { rows, ..size })
    }

    pub(super) fn end_redraw(&self) {
        if let (Some(size), Some(terminal)) = (self.size, &self.ends.input) {
            // The program has ended if this fails.
            drop(spawn::resize(terminal, size));
        }
    }

    /// Waits for what can be handled now.
    pub(super) fn set_interest(&self, epoll: &mut Epoll) -> io::Result<()> {
        let (wanted, has_input) = (!self.paused && !self.rests, self.has_input());
        if self.is_terminal() {
            if let Some(terminal) = &self.ends.input {
                let token = Token::new(Part::Out, self.number);
                epoll.set(terminal.as_fd(), token, wanted && !self.out.complete, has_input)?;
            }
            return Ok(());
        }
        for (fd, output, part) in [
            (&self.ends.out, &self.out, Part::Out),
            (&self.ends.err, &self.err, Part::Err),
        ] {
            if let Some(fd) = fd {
                let read = wanted && !output.complete && output.room(self.lossless) > 0;
                epoll.set(fd.as_fd(), Token::new(part, self.number), read, false)?;
            }
        }
        if let Some(fd) = &self.ends.input {
            epoll.set(fd.as_fd(), Token::new(Part::In, self.number), false, has_input)?;
        }
        Ok(())
    }

    /// Gives our ends up: whoever still holds the terminal gets a hang-up.
    pub(super) fn close(&mut self, epoll: &mut Epoll) {
        let input = if self.is_terminal() { Part::Out } else { Part::In };
        let ends = [
            (self.ends.input.take(), input),
            (self.ends.out.take(), Part::Out),
            (self.ends.err.take(), Part::Err),
        ];
        for (fd, part) in ends {
            if let Some(fd) = fd {
                drop(epoll.forget(fd.as_fd(), Token::new(part, self.number)));
            }
        }
        self.input.clear();
        self.give_up_output();
    }

    /// The group that has the terminal now: what Ctrl-C would reach.
    pub(super) fn foreground_group(&self) -> Option<u32> {
        let terminal: &OwnedFd = self.ends.input.as_ref().filter(|_| self.is_terminal())?;
        let group = rustix::termios::tcgetpgrp(terminal).ok()?;
        u32::try_from(group.as_raw_nonzero().get()).ok()
    }

    pub(super) fn describe(&self) -> protocol::Process {
        let range = |ring: &Ring| (ring.start(), ring.end());
        protocol::Process {
            id: self.id.clone(),
            meta: self.meta.clone(),
            size: self.size,
            pid: self.pid,
            exit: self.exit,
            out: range(&self.out.ring),
            err: range(&self.err.ring),
            created_ms: self.created_ms,
            last_input_ms: self.last_input_ms,
            last_output_ms: self.last_output_ms,
            viewers: u32::try_from(self.viewers.len()).unwrap_or(u32::MAX),
        }
    }
}
