//! The event loop: one thread, one epoll. Sockets, terminals and pipes never block it, and it never waits for a client.
//!
//! [`process`] owns what was started, [`connection`] is one client, this file and its siblings bring them together.

mod attach;
mod connection;
mod epoll;
mod process;
mod requests;
mod shutdown;
mod spawn;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, Rlimit, WaitOptions, WaitStatus, getrlimit, setrlimit};
use signal_hook::consts::{SIGCHLD, SIGINT, SIGTERM};

use crate::protocol::{Exit, Stream};
use connection::Connection;
use epoll::{Epoll, Part, Token};
use process::Process;

/// Connections served at a time: some viewers for each of many terminals.
const CONNECTIONS_MAX: usize = 8192;

/// Open files that we can use: a terminal and a few viewers each for all processes.
const FILES_MAX: u64 = 16_384;

/// How long new clients wait when there is no file descriptor for them.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// How long a process has between hang-up and kill.
const HANG_UP_GRACE: Duration = Duration::from_secs(2);

pub use shutdown::end_descendants;

/// The supervisor's state. Numbers are never used twice, so that a late event meets nobody.
pub struct Server {
    epoll: Epoll,
    listener: UnixListener,
    children_ended: UnixStream,
    told_to_stop: UnixStream,
    boot: [u8; 16],
    next_number: u64,
    processes: BTreeMap<u64, Process>,
    connections: BTreeMap<u64, Connection>,
    /// Removed but not yet gone: process group leaders.
    hung_up: Vec<u32>,
    timers: BinaryHeap<Reverse<(Instant, Timer)>>,
    stopping: Option<Instant>,
    scratch: Vec<u8>,
    /// The limit of open files as we found it, which is what our processes get.
    files: Rlimit,
}

/// What a point in time is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// The ended process's remaining output has had its time.
    Settle(u64),
    /// Kill the removed process group.
    Kill(u32),
    /// Look whether the viewer that a process waits for still reads.
    Pace(u64),
    /// Look at the listener again: file descriptors had run out.
    Accept,
    /// Give a terminal that is being redrawn its size back.
    Redraw(u64),
    /// Read from a terminal again that rested.
    Rest(u64),
    /// Acknowledge a viewer's input without waiting for output any longer.
    Acknowledge(u64),
}

impl Server {
    /// Serves on `listener` once [`run`](Self::run) is called. Takes over SIGCHLD, SIGTERM and SIGINT.
    pub fn new(listener: UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let children_ended = signal_pipe(&[SIGCHLD])?;
        let told_to_stop = signal_pipe(&[SIGTERM, SIGINT])?;
        let mut epoll = Epoll::new()?;
        epoll.read(listener.as_fd(), Token::LISTENER)?;
        epoll.read(children_ended.as_fd(), Token::CHILDREN)?;
        epoll.read(told_to_stop.as_fd(), Token::STOP)?;
        let mut boot = [0; 16];
        rustix::rand::getrandom(&mut boot, rustix::rand::GetRandomFlags::empty())?;
        Ok(Self {
            epoll,
            listener,
            children_ended,
            told_to_stop,
            boot,
            next_number: 1,
            processes: BTreeMap::new(),
            connections: BTreeMap::new(),
            hung_up: Vec::new(),
            timers: BinaryHeap::new(),
            stopping: None,
            scratch: vec![0; 64 * 1024],
            files: raise_files(),
        })
    }

    /// Runs until it is told to stop and everything it started has ended.
    pub fn run(mut self) -> io::Result<()> {
        let mut ready = Vec::with_capacity(64);
        loop {
            self.epoll.wait(&mut ready, self.time_left())?;
            for (token, readiness) in ready.drain(..) {
                match token.part() {
                    Part::Listener => self.accept(),
                    Part::Children => {
                        drain(&self.children_ended);
                        self.reap();
                    }
                    Part::Stop => {
                        drain(&self.told_to_stop);
                        self.begin_stop();
                    }
                    Part::Connection => self.connection_ready(token.number(), readiness),
                    Part::Out | Part::Err => self.output_ready(token),
                    Part::In => self.feed(token.number()),
                }
            }
            self.run_timers(Instant::now());
            if self.may_end() {
                return Ok(());
            }
        }
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    fn process_named(&self, id: &str) -> Option<u64> {
        let found = self.processes.iter().find(|(_, process)| process.id == id);
        found.map(|(number, _)| *number)
    }

    fn accept(&mut self) {
        // One at a time: the listener stays ready while more are waiting.
        let stream = match self.listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(_) => {
                // Out of file descriptors, most likely. The listener stays ready, so waiting for it would spin.
                drop(self.epoll.forget(self.listener.as_fd(), Token::LISTENER));
                self.timers
                    .push(Reverse((Instant::now() + ACCEPT_AGAIN, Timer::Accept)));
                return;
            }
        };
        if self.connections.len() >= CONNECTIONS_MAX || stream.set_nonblocking(true).is_err() {
            return;
        }
        let number = self.number();
        let token = Token::new(Part::Connection, number);
        if self.epoll.read(stream.as_fd(), token).is_ok() {
            self.connections.insert(number, Connection::new(stream));
        }
    }

    /// Something may be read from a terminal, standard output or standard error.
    fn output_ready(&mut self, token: Token) {
        let number = token.number();
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        if token.part() == Part::Out && process.is_terminal() && process.has_input() {
            // Input goes first: Ctrl-C must not wait behind what it is to end.
            self.feed(number);
        }
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        let end = process.ring(Stream::Out).end();
        process.read_output(token.part(), &mut self.scratch, now_ms());
        let (read, now) = (process.ring(Stream::Out).end() - end, Instant::now());
        if process.should_rest(read, now) {
            self.timers.push(Reverse((now + process::REST, Timer::Rest(number))));
        }
        self.after_output(number);
    }

    /// Shows new output to the viewers, and decides whether more may be read.
    fn after_output(&mut self, number: u64) {
        let viewers = self.processes.get(&number).map(|process| process.viewers.clone());
        for viewer in viewers.unwrap_or_default() {
            self.pump(viewer);
        }
        self.set_interest(number);
        self.settle(number);
    }

    /// Collects every child that ended, those we inherited included.
    fn reap(&mut self) {
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            let Ok(pid) = u32::try_from(pid.as_raw_nonzero().get()) else {
                continue;
            };
            self.hung_up.retain(|group| *group != pid);
            let found = self
                .processes
                .iter_mut()
                .find(|(_, process)| process.pid == pid && process.ended.is_none());
            if let Some((number, process)) = found {
                let number = *number;
                process.ended = Some(exit(status));
                let grace = process.grace();
                self.timers
                    .push(Reverse((Instant::now() + grace, Timer::Settle(number))));
                self.settle(number);
            }
        }
    }

    /// An ended process whose terminal or pipes are still held open by another: what comes from now on is not its own.
    fn grace_over(&mut self, number: u64) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        if process.waits_for_viewers() {
            // Its last output is still in the kernel, because we were told to slow down.
            let again = Instant::now() + process.grace();
            self.timers.push(Reverse((again, Timer::Settle(number))));
            return;
        }
        process.give_up_output();
        self.settle(number);
    }

    /// Announces the end of a process once its output is complete.
    fn settle(&mut self, number: u64) {
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        if process.exit.is_some() || process.ended.is_none() || !process.output_complete() {
            return;
        }
        process.exit = process.ended;
        process.close(&mut self.epoll);
        for viewer in process.viewers.clone() {
            self.take_input(viewer);
            self.pump(viewer);
        }
    }

    fn time_left(&self) -> Option<Duration> {
        let next = self.timers.peek().map(|Reverse((at, _))| *at);
        let next = match (next, self.stopping) {
            (Some(next), Some(stop)) => Some(next.min(stop)),
            (next, stop) => next.or(stop),
        };
        next.map(|at| at.saturating_duration_since(Instant::now()))
    }

    fn run_timers(&mut self, now: Instant) {
        while let Some(Reverse((at, timer))) = self.timers.peek().copied() {
            if at > now {
                return;
            }
            self.timers.pop();
            match timer {
                Timer::Settle(number) => self.grace_over(number),
                Timer::Kill(group) => {
                    if self.hung_up.contains(&group) {
                        shutdown::signal_group(group, rustix::process::Signal::KILL);
                    }
                }
                Timer::Pace(number) => {
                    if let Some(process) = self.processes.get_mut(&number) {
                        process.pace_timer = false;
                    }
                    self.set_interest(number);
                }
                Timer::Accept => drop(self.epoll.read(self.listener.as_fd(), Token::LISTENER)),
                Timer::Redraw(number) => {
                    if let Some(process) = self.processes.get(&number) {
                        process.end_redraw();
                    }
                }
                Timer::Rest(number) => {
                    if let Some(process) = self.processes.get_mut(&number) {
                        process.rests = false;
                    }
                    self.set_interest(number);
                }
                Timer::Acknowledge(number) => self.acknowledge_now(number),
            }
        }
    }
}

fn exit(status: WaitStatus) -> Exit {
    let number = |value: i32| u32::try_from(value).unwrap_or_default();
    match (status.exit_status(), status.terminating_signal()) {
        (_, Some(signal)) => Exit::Signal(number(signal)),
        (code, None) => Exit::Code(number(code.unwrap_or_default())),
    }
}

/// Takes as many open files as we may have, up to what we can use; returns the limit as it was.
fn raise_files() -> Rlimit {
    let before = getrlimit(Resource::Nofile);
    let wanted = before.maximum.map_or(FILES_MAX, |maximum| maximum.min(FILES_MAX));
    if before.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit {
            current: Some(wanted),
            maximum: before.maximum,
        };
        // Without it there is just room for fewer.
        let _refused = setrlimit(Resource::Nofile, raised);
    }
    before
}

/// A socket that becomes readable when one of `signals` arrives.
fn signal_pipe(signals: &[i32]) -> io::Result<UnixStream> {
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    write.set_nonblocking(true)?;
    for signal in signals {
        signal_hook::low_level::pipe::register(*signal, write.try_clone()?)?;
    }
    Ok(read)
}

fn drain(mut pipe: &UnixStream) {
    let mut bytes = [0; 64];
    while matches!(io::Read::read(&mut pipe, &mut bytes), Ok(1..)) {}
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
