//! Which tunnels are open, by name.

use sam_tunnel::{Opener, close};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The open tunnels of an edge. Cheap to clone; clones are the same registry.
#[derive(Clone, Debug, Default)]
pub struct Tunnels(Arc<Mutex<Registry>>);

#[derive(Debug, Default)]
struct Registry {
    next_id: u64,
    is_closed: bool,
    tunnels: HashMap<String, Open>,
}

#[derive(Debug)]
struct Open {
    id: u64,
    epoch: i64,
    opener: Opener,
}

/// Why a tunnel is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// A tunnel of a newer process is open.
    Stale,
    /// There are too many.
    Full,
    /// The edge is going away.
    Closed,
}

impl Tunnels {
    /// The tunnel of that name, if it is open.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Opener> {
        let registry = self.lock();
        let open = registry.tunnels.get(name)?;
        open.opener.is_open().then(|| open.opener.clone())
    }

    /// How many tunnels are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().tunnels.len()
    }

    /// How many streams are open in all of them.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.lock().tunnels.values().map(|open| open.opener.streams()).sum()
    }

    /// Closes a tunnel, for example because its machine was removed. Whether there was one.
    pub fn close(&self, name: &str, code: u16, text: &str) -> bool {
        let registry = self.lock();
        let open = registry.tunnels.get(name);
        if let Some(open) = open {
            open.opener.close(code, text);
        }
        open.is_some()
    }

    /// Whether a tunnel of that name and epoch would be taken now.
    pub(crate) fn would_take(&self, name: &str, epoch: i64, tunnels_max: usize) -> Result<(), NotTaken> {
        let registry = self.lock();
        let open = registry.tunnels.get(name);
        if registry.is_closed {
            return Err(NotTaken::Closed);
        }
        match open {
            Some(open) if open.epoch > epoch => Err(NotTaken::Stale),
            None if registry.tunnels.len() >= tunnels_max => Err(NotTaken::Full),
            Some(_) | None => Ok(()),
        }
    }

    /// Takes a tunnel, closes the one that it replaces, and returns a number to take it out with. One that is older than
    /// what came in the meantime is closed at once.
    pub(crate) fn insert(&self, name: &str, epoch: i64, opener: Opener, tunnels_max: usize) -> Option<u64> {
        if let Err(refusal) = self.would_take(name, epoch, tunnels_max) {
            let (code, text) = match refusal {
                NotTaken::Stale => (close::REPLACED, "a newer process has the tunnel"),
                NotTaken::Full | NotTaken::Closed => (close::GOING_AWAY, "try again later"),
            };
            opener.close(code, text);
            return None;
        }
        let mut registry = self.lock();
        registry.next_id += 1;
        let id = registry.next_id;
        if let Some(old) = registry.tunnels.insert(name.to_owned(), Open { id, epoch, opener }) {
            old.opener
                .close(close::REPLACED, "a newer tunnel of the same name was opened");
        }
        Some(id)
    }

    /// Takes a tunnel out; whether it was still the one of its name.
    pub(crate) fn remove(&self, name: &str, id: u64) -> bool {
        match self.lock().tunnels.entry(name.to_owned()) {
            Entry::Occupied(open) if open.get().id == id => {
                open.remove();
                true
            }
            Entry::Occupied(_) | Entry::Vacant(_) => false,
        }
    }

    /// Takes no more tunnels, and returns those that are open.
    pub(crate) fn shut(&self) -> Vec<Opener> {
        let mut registry = self.lock();
        registry.is_closed = true;
        registry.tunnels.values().map(|open| open.opener.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
