//! Requests: each is answered by one reply, or refused.

use std::cmp::Reverse;
use std::time::Instant;

use super::process::{self, Process};
use super::{Server, Timer, now_ms, shutdown, spawn};
use crate::protocol::{PROCESSES_MAX, Refusal, Reply, Request, Start, VERSION, VERSION_OLDEST};

type Answer = Result<Option<Reply<'static>>, (Refusal, String)>;

impl Server {
    /// Handles whole messages that arrived, while the client reads its replies.
    pub(super) fn handle_received(&mut self, number: u64) {
        let Some(connection) = self.connections.get_mut(&number) else {
            return;
        };
        let received = connection.take_received();
        let mut handled = 0;
        while self
            .connections
            .get(&number)
            .is_some_and(super::Connection::may_receive)
        {
            let rest = received.get(handled..).unwrap_or_default();
            match Request::decode(rest) {
                Ok(Some((request, taken))) => {
                    handled += taken;
                    match self.answer(number, request) {
                        Ok(Some(reply)) => {
                            if let Some(connection) = self.connections.get_mut(&number) {
                                connection.say(&reply);
                            }
                        }
                        Ok(None) => {}
                        Err((refusal, message)) => self.refused(number, refusal, &message),
                    }
                }
                Ok(None) => break,
                Err(malformed) => {
                    self.refuse(number, Refusal::Protocol, &malformed.to_string());
                    break;
                }
            }
        }
        if let Some(connection) = self.connections.get_mut(&number) {
            connection.put_back(received, handled);
            self.pump(number);
        }
    }

    /// A request that cannot be met is answered; on an attached connection it is the end.
    fn refused(&mut self, number: u64, refusal: Refusal, message: &str) {
        let Some(connection) = self.connections.get_mut(&number) else {
            return;
        };
        if connection.view.is_some() || matches!(refusal, Refusal::Version | Refusal::Protocol) {
            self.refuse(number, refusal, message);
        } else {
            let message = message.to_owned();
            connection.say(&Reply::Refused { refusal, message });
        }
    }

    /// Says why, and ends the connection.
    pub(super) fn refuse(&mut self, number: u64, refusal: Refusal, message: &str) {
        let Some(connection) = self.connections.get_mut(&number) else {
            return;
        };
        let message = message.to_owned();
        connection.say(&Reply::Refused { refusal, message });
        connection.closing = true;
        if let Some(view) = connection.view.take()
            && let Some(process) = self.processes.get_mut(&view.process)
        {
            process.viewers.retain(|viewer| *viewer != number);
            self.set_interest(view.process);
        }
        self.pump(number);
    }

    fn answer(&mut self, number: u64, request: Request<'_>) -> Answer {
        let Some(connection) = self.connections.get_mut(&number) else {
            return Ok(None);
        };
        let attached = connection.view.is_some();
        match request {
            Request::Hello { oldest, newest } => {
                if newest < VERSION_OLDEST || oldest > VERSION {
                    let message = format!("versions {VERSION_OLDEST} to {VERSION} are spoken here");
                    return Err((Refusal::Version, message));
                }
                connection.greeted = true;
                Ok(Some(Reply::Hello {
                    version: newest.min(VERSION),
                    boot: self.boot,
                    release: env!("CARGO_PKG_VERSION").to_owned(),
                }))
            }
            _ if !connection.greeted => Err((Refusal::Protocol, "the first message is a Hello".to_owned())),
            Request::Input { offset, bytes } => self.input(number, offset, bytes).map(|()| None),
            Request::Ack { offset } => self.acknowledged(number, offset).map(|()| None),
            Request::EndInput { offset } => self.end_input(number, offset).map(|()| None),
            _ if attached => Err((Refusal::Protocol, "an attached connection takes no requests".to_owned())),
            Request::Attach(attach) => self.attach(number, &attach).map(|()| None),
            Request::Start(start) => self.start(start).map(Some),
            Request::List => {
                let listing = self.processes.values().map(Process::describe).collect();
                Ok(Some(Reply::Listing(listing)))
            }
            Request::Describe { id, meta } => self.with(&id, |process| {
                process.meta = meta;
                Ok(())
            }),
            Request::Resize { id, size } => {
                let mut changed = false;
                let answer = self.with(&id, |process| {
                    changed = process.size.is_some_and(|known| known != size);
                    process.resize(size)
                })?;
                if changed {
                    self.tell_size(&id);
                }
                Ok(answer)
            }
            Request::Redraw { id } => {
                let answer = self.with(&id, |process| process.begin_redraw())?;
                if let Some(number) = self.process_named(&id) {
                    self.timers
                        .push(Reverse((Instant::now() + process::REDRAW, Timer::Redraw(number))));
                }
                Ok(answer)
            }
            Request::Signal { id, signal } => self.with(&id, |process| {
                let signal = rustix::process::Signal::from_named_raw(i32::from(signal));
                let signal = signal.ok_or_else(|| std::io::Error::other("no such signal"))?;
                if process.ended.is_none() {
                    shutdown::signal_group(process.pid, signal);
                }
                Ok(())
            }),
            Request::Remove { id } => {
                if let Some(process) = self.process_named(&id) {
                    self.remove(process);
                }
                Ok(Some(Reply::Done))
            }
            Request::Shutdown => {
                self.begin_stop();
                Ok(Some(Reply::Done))
            }
        }
    }

    fn with(&mut self, id: &str, change: impl FnOnce(&mut Process) -> std::io::Result<()>) -> Answer {
        let number = self.process_named(id);
        let Some(process) = number.and_then(|number| self.processes.get_mut(&number)) else {
            return Err((Refusal::NotFound, format!("no process `{id}`")));
        };
        change(process).map_err(|error| (Refusal::Protocol, error.to_string()))?;
        Ok(Some(Reply::Done))
    }

    fn start(&mut self, start: Start) -> Result<Reply<'static>, (Refusal, String)> {
        if self.stopping.is_some() {
            return Err((Refusal::Stopping, "the supervisor is shutting down".to_owned()));
        }
        if self.process_named(&start.id).is_some() {
            return Err((Refusal::AlreadyExists, format!("`{}` exists", start.id)));
        }
        if self.processes.len() >= PROCESSES_MAX {
            return Err((Refusal::TooMany, format!("{PROCESSES_MAX} processes are known already")));
        }
        let (pid, ends) = spawn::spawn(&start, self.files).map_err(|error| (Refusal::Start, error.to_string()))?;
        let number = self.number();
        let process = Process::new(number, start, pid, ends, now_ms());
        self.processes.insert(number, process);
        self.set_interest(number);
        Ok(Reply::Started { pid })
    }

    /// Every viewer learns of a new size, in order with the output that was shown to it.
    fn tell_size(&mut self, id: &str) {
        let process = self.process_named(id).and_then(|number| self.processes.get(&number));
        let Some((size, viewers)) = process.and_then(|process| Some((process.size?, process.viewers.clone()))) else {
            return;
        };
        for viewer in viewers {
            if let Some(connection) = self.connections.get_mut(&viewer) {
                connection.say(&Reply::Resized(size));
                self.pump(viewer);
            }
        }
    }
}
