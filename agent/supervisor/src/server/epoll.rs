//! What to wait for, and whose it is.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

/// Which end of which thing became ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Token(u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Listener,
    Children,
    Stop,
    Connection,
    /// A terminal, or standard output.
    Out,
    /// Standard error.
    Err,
    /// Standard input of a piped process.
    In,
}

impl Token {
    pub(super) const LISTENER: Self = Self::new(Part::Listener, 0);
    pub(super) const CHILDREN: Self = Self::new(Part::Children, 0);
    pub(super) const STOP: Self = Self::new(Part::Stop, 0);

    pub(super) const fn new(part: Part, number: u64) -> Self {
        Self(number << 3 | part as u64)
    }

    pub(super) fn number(self) -> u64 {
        self.0 >> 3
    }

    pub(super) fn part(self) -> Part {
        match self.0 & 7 {
            0 => Part::Listener,
            1 => Part::Children,
            2 => Part::Stop,
            3 => Part::Connection,
            4 => Part::Out,
            5 => Part::Err,
            _ => Part::In,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Readiness {
    pub(super) read: bool,
    pub(super) write: bool,
}

/// An epoll instance that remembers what is registered: interest in nothing means not registered, because a hang-up
/// is reported even to who waits for nothing, and would keep the loop busy.
pub(super) struct Epoll {
    fd: OwnedFd,
    registered: BTreeMap<Token, EventFlags>,
    events: Vec<Event>,
}

impl Epoll {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            fd: epoll::create(CreateFlags::CLOEXEC)?,
            registered: BTreeMap::new(),
            events: Vec::with_capacity(64),
        })
    }

    pub(super) fn read(&mut self, fd: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        self.set(fd, token, true, false)
    }

    pub(super) fn set(&mut self, fd: BorrowedFd<'_>, token: Token, read: bool, write: bool) -> io::Result<()> {
        let mut wanted = EventFlags::empty();
        wanted.set(EventFlags::IN, read);
        wanted.set(EventFlags::OUT, write);
        let data = EventData::new_u64(token.0);
        match self.registered.get(&token) {
            Some(known) if *known == wanted => return Ok(()),
            Some(_) if wanted.is_empty() => return self.forget(fd, token),
            Some(_) => epoll::modify(&self.fd, fd, data, wanted)?,
            None if wanted.is_empty() => return Ok(()),
            None => epoll::add(&self.fd, fd, data, wanted)?,
        }
        self.registered.insert(token, wanted);
        Ok(())
    }

    pub(super) fn forget(&mut self, fd: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        if self.registered.remove(&token).is_some() {
            epoll::delete(&self.fd, fd)?;
        }
        Ok(())
    }

    /// Waits until something is ready or `most` has passed.
    pub(super) fn wait(&mut self, ready: &mut Vec<(Token, Readiness)>, most: Option<Duration>) -> io::Result<()> {
        // Rounded up: waking a moment early would spin until the deadline.
        let most = most.and_then(|most| Timespec::try_from(most + Duration::from_micros(100)).ok());
        self.events.clear();
        match epoll::wait(
            &self.fd,
            rustix::buffer::spare_capacity(&mut self.events),
            most.as_ref(),
        ) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        for event in &self.events {
            let (data, flags) = (event.data, event.flags);
            let ended = flags.intersects(EventFlags::HUP | EventFlags::ERR);
            let readiness = Readiness {
                read: ended || flags.contains(EventFlags::IN),
                write: ended || flags.contains(EventFlags::OUT),
            };
            ready.push((Token(data.u64()), readiness));
        }
        Ok(())
    }
}
