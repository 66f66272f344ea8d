//! Viewers: output to them as far as their credit goes, input from them as far as there is room.

use std::cmp::Reverse;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::connection::View;
use super::epoll::{Part, Readiness, Token};
use super::{Server, Timer, now_ms};
use crate::protocol::{Attach, INPUT_WINDOW_BYTES, LATEST, Refusal, Reply, Size};

/// An acknowledgement of input waits this long for output to travel with: the echo of a key wakes the reader once.
const ACKNOWLEDGE_DELAY: Duration = Duration::from_millis(4);

/// More input than this is acknowledged at once: it is a paste, and its sender waits.
const ACKNOWLEDGE_BYTES: u64 = 8 * 1024;

impl Server {
    pub(super) fn connection_ready(&mut self, number: u64, readiness: Readiness) {
        if readiness.write {
            self.pump(number);
        }
        if let Some(connection) = self.connections.get_mut(&number)
            && readiness.read
            && connection.may_receive()
            && !connection.receive(&mut self.scratch)
        {
            self.drop_connection(number);
            return;
        }
        self.handle_received(number);
    }

    /// Sends what the viewer has credit for, until its socket is full.
    pub(super) fn pump(&mut self, number: u64) {
        if !self.pump_once(number, false) {
            self.drop_connection(number);
        }
    }

    /// The delayed acknowledgement had no output to travel with.
    pub(super) fn acknowledge_now(&mut self, number: u64) {
        if !self.pump_once(number, true) {
            self.drop_connection(number);
        }
    }

    /// False when the connection is to be dropped.
    fn pump_once(&mut self, number: u64, acknowledge: bool) -> bool {
        let Some(connection) = self.connections.get_mut(&number) else {
            return true;
        };
        loop {
            match connection.flush() {
                Ok(true) if connection.closing => return false,
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => return false,
            }
            let Some(view) = &mut connection.view else {
                break;
            };
            let Some(process) = self.processes.get(&view.process) else {
                break;
            };
            let ring = process.ring(view.stream);
            let credit = view.credit();
            let mut head = Vec::with_capacity(32);
            if view.cursor < ring.start() && credit > 0 {
                let (from, to) = (view.cursor, ring.start());
                view.cursor = to;
                connection.say(&Reply::Gap { from, to });
                continue;
            }
            let (first, second) = ring.slices(view.cursor, credit);
            let length = first.len() + second.len();
            if let Some(offset) = view.input_to_acknowledge.filter(|_| length > 0 || acknowledge) {
                view.input_to_acknowledge = None;
                view.input_unacknowledged = 0;
                Reply::InputAck { offset }.encode(&mut head);
            }
            if length > 0 {
                head.extend_from_slice(&crate::protocol::output_header(view.cursor, length));
                view.cursor += length as u64;
            } else if let Some(exit) = process.exit
                && !view.told_exit
                && view.cursor >= ring.end()
            {
                view.told_exit = true;
                Reply::Exited(exit).encode(&mut head);
            }
            if head.is_empty() {
                break;
            }
            if connection.send_direct(&head, first, second).is_err() {
                return false;
            }
        }
        let (read, write) = (connection.may_receive(), connection.has_pending());
        let token = Token::new(Part::Connection, number);
        self.epoll.set(connection.stream.as_fd(), token, read, write).is_ok()
    }

    pub(super) fn attach(&mut self, number: u64, attach: &Attach) -> Result<(), (Refusal, String)> {
        let Some(process_number) = self.process_named(&attach.id) else {
            return Err((Refusal::NotFound, format!("no process `{}`", attach.id)));
        };
        if let Some(writer) = attach.writer {
            self.replace(process_number, writer);
        }
        let Some(process) = self.processes.get_mut(&process_number) else {
            return Ok(());
        };
        let ring = process.ring(attach.stream);
        let (oldest, end) = (ring.start(), ring.end());
        let start = match attach.from {
            LATEST => end,
            from if (oldest..=end).contains(&from) => from,
            _ => oldest,
        };
        let input_offset = attach.writer.map_or(0, |writer| process.input_offset(&writer));
        let size = process.size.unwrap_or(Size { cols: 0, rows: 0 });
        process.viewers.push(number);
        if let Some(connection) = self.connections.get_mut(&number) {
            connection.view = Some(View::new(attach, process_number, start));
            connection.say(&Reply::Attached {
                start,
                end,
                input_offset,
                size,
            });
        }
        self.set_interest(process_number);
        Ok(())
    }

    /// Ends an older connection of the same writer: what it holds was not acknowledged and comes again.
    fn replace(&mut self, process: u64, writer: [u8; 16]) {
        let viewers = self.processes.get(&process).map(|process| process.viewers.clone());
        for viewer in viewers.unwrap_or_default() {
            let view = self
                .connections
                .get(&viewer)
                .and_then(|connection| connection.view.as_ref());
            if view.is_some_and(|view| view.writer == Some(writer)) {
                self.refuse(viewer, Refusal::Replaced, "this writer attached again");
            }
        }
    }

    pub(super) fn input(&mut self, number: u64, offset: u64, bytes: &[u8]) -> Result<(), (Refusal, String)> {
        let (view, known) = self.writing_view(number)?;
        let expected = known + view.held.len() as u64;
        if offset > expected {
            return Err((
                Refusal::InputGap,
                format!("input goes on at {expected}, not at {offset}"),
            ));
        }
        // What is known already was sent again after a reconnect.
        let repeated = usize::try_from(expected - offset)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        view.held.extend(bytes.get(repeated..).unwrap_or_default());
        if view.held.len() > INPUT_WINDOW_BYTES {
            return Err((
                Refusal::InputWindow,
                format!("more than {INPUT_WINDOW_BYTES} bytes of input wait"),
            ));
        }
        let process = view.process;
        self.take_input(number);
        self.feed(process);
        Ok(())
    }

    pub(super) fn end_input(&mut self, number: u64, offset: u64) -> Result<(), (Refusal, String)> {
        let (view, _) = self.writing_view(number)?;
        view.end_input_at = Some(offset);
        let process = view.process;
        self.take_input(number);
        self.feed(process);
        Ok(())
    }

    /// The view of a connection that writes, with how much of its writer's input was taken over.
    fn writing_view(&mut self, number: u64) -> Result<(&mut View, u64), (Refusal, String)> {
        let connection = self.connections.get_mut(&number);
        let view = connection.and_then(|connection| connection.view.as_mut());
        let refused = || {
            (
                Refusal::Protocol,
                "this connection attached without a writer".to_owned(),
            )
        };
        let view = view.ok_or_else(refused)?;
        let writer = view.writer.ok_or_else(refused)?;
        let process = self.processes.get(&view.process);
        Ok((view, process.map_or(0, |process| process.input_offset(&writer))))
    }

    pub(super) fn acknowledged(&mut self, number: u64, offset: u64) -> Result<(), (Refusal, String)> {
        let connection = self.connections.get_mut(&number);
        let Some(view) = connection.and_then(|connection| connection.view.as_mut()) else {
            return Err((Refusal::Protocol, "nothing is attached".to_owned()));
        };
        // Beyond what was sent there is nothing to acknowledge: credit cannot be had in advance.
        view.acknowledged = view.acknowledged.max(offset.min(view.cursor));
        let (process_number, stream, consume) = (view.process, view.stream, view.consume);
        if let Some(process) = self.processes.get_mut(&process_number)
            && consume
        {
            process.release(stream, offset);
        }
        self.pump(number);
        self.set_interest(process_number);
        Ok(())
    }

    /// Takes over held input as far as there is room.
    pub(super) fn take_input(&mut self, number: u64) {
        let connection = self.connections.get_mut(&number);
        let Some(view) = connection.and_then(|connection| connection.view.as_mut()) else {
            return;
        };
        let (Some(writer), Some(process)) = (view.writer, self.processes.get_mut(&view.process)) else {
            return;
        };
        let taken = process.input_room().min(view.held.len());
        let timer_runs = view.input_to_acknowledge.is_some();
        if taken > 0 {
            process.take_input(&writer, view.held.drain(..taken), now_ms());
            view.input_to_acknowledge = Some(process.input_offset(&writer));
            view.input_unacknowledged += taken as u64;
        }
        if view.held.is_empty() && view.end_input_at == Some(process.input_offset(&writer)) {
            process.end_input();
        }
        if taken == 0 {
            return;
        }
        if view.input_unacknowledged >= ACKNOWLEDGE_BYTES {
            self.acknowledge_now(number);
        } else if !timer_runs {
            let at = Instant::now() + ACKNOWLEDGE_DELAY;
            self.timers.push(Reverse((at, Timer::Acknowledge(number))));
        }
    }

    /// Writes queued input to the process, and lets waiting input move up.
    pub(super) fn feed(&mut self, number: u64) {
        loop {
            let Some(process) = self.processes.get_mut(&number) else {
                return;
            };
            process.write_input(&mut self.epoll);
            if process.input_room() == 0 {
                break;
            }
            let waits = |viewer: &u64| {
                let view = self
                    .connections
                    .get(viewer)
                    .and_then(|connection| connection.view.as_ref());
                view.is_some_and(|view| !view.held.is_empty())
            };
            let waiting: Vec<u64> = process.viewers.iter().copied().filter(waits).collect();
            if waiting.is_empty() {
                break;
            }
            for viewer in waiting {
                self.take_input(viewer);
            }
        }
        self.set_interest(number);
    }

    /// Decides whether a process's output may be read on: not while a viewer that keeps reading is behind.
    pub(super) fn set_interest(&mut self, number: u64) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        let now = Instant::now();
        let mut until: Option<Instant> = None;
        for viewer in &process.viewers {
            let Some(view) = self
                .connections
                .get_mut(viewer)
                .and_then(|connection| connection.view.as_mut())
            else {
                continue;
            };
            let end = process.ring(view.stream).end();
            if let Some(at) = view.holds_back(end, now) {
                until = Some(until.map_or(at, |until| until.min(at)));
            }
        }
        process.paused = until.is_some();
        if let Some(at) = until
            && !process.pace_timer
        {
            process.pace_timer = true;
            self.timers.push(Reverse((at, Timer::Pace(number))));
        }
        if process.set_interest(&mut self.epoll).is_err() {
            process.give_up_output();
        }
    }

    pub(super) fn drop_connection(&mut self, number: u64) {
        let Some(connection) = self.connections.remove(&number) else {
            return;
        };
        drop(
            self.epoll
                .forget(connection.stream.as_fd(), Token::new(Part::Connection, number)),
        );
        if let Some(view) = connection.view
            && let Some(process) = self.processes.get_mut(&view.process)
        {
            process.viewers.retain(|viewer| *viewer != number);
            self.set_interest(view.process);
        }
    }
}
