//! Topics, wakes and who waits for them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// So many wakes are remembered for holds that are just being made. A request that saw more wakes than this pass by while it
/// ran counts as woken, which costs one needless look and loses nothing.
const REMEMBERED_WAKES_MAX: usize = 4096;

/// Numbers every wake and tells the holds that wait for its topic.
#[derive(Debug, Default)]
pub struct Hub {
    /// A copy of `State::sequence` that is read without the lock, once per request.
    sequence: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    sequence: u64,
    recent: VecDeque<(u64, Box<str>)>,
    next_waiter: u64,
    topics: HashMap<Box<str>, HashMap<u64, Arc<Notify>>>,
}

impl Hub {
    /// The number of the latest wake. Take it before a request whose answer may hold.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    /// Wakes every hold on `topic`, and those that are being made right now.
    pub fn wake(&self, topic: &str) {
        let mut state = self.lock();
        state.sequence += 1;
        let sequence = state.sequence;
        if state.recent.len() == REMEMBERED_WAKES_MAX {
            state.recent.pop_front();
        }
        state.recent.push_back((sequence, topic.into()));
        for waiter in state.topics.get(topic).into_iter().flat_map(HashMap::values) {
            waiter.notify_one();
        }
        self.sequence.store(sequence, Ordering::Release);
    }

    /// Waits for `topics` from the moment that `since` names, not from now.
    pub(crate) fn subscribe(self: &Arc<Self>, topics: &[String], since: u64) -> Subscription {
        let notify = Arc::new(Notify::new());
        let mut state = self.lock();
        let id = state.next_waiter;
        state.next_waiter += 1;
        for topic in topics {
            state
                .topics
                .entry(topic.as_str().into())
                .or_default()
                .insert(id, Arc::clone(&notify));
        }
        let forgotten = state.sequence - state.recent.len() as u64;
        let woken = |(_, topic): &(u64, Box<str>)| topics.iter().any(|wanted| **wanted == **topic);
        if since < forgotten
            || state
                .recent
                .iter()
                .rev()
                .take_while(|(sequence, _)| *sequence > since)
                .any(woken)
        {
            notify.notify_one();
        }
        drop(state);
        Subscription {
            hub: Arc::clone(self),
            topics: topics.to_vec(),
            id,
            notify,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds this lock; if it did, counters and sets would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One hold's place in the hub; leaves it when dropped.
#[derive(Debug)]
pub(crate) struct Subscription {
    hub: Arc<Hub>,
    topics: Vec<String>,
    id: u64,
    notify: Arc<Notify>,
}

impl Subscription {
    /// Ends when one of the topics woke since the subscription's `since`. Many wakes are one.
    pub(crate) async fn woken(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        for topic in &self.topics {
            if let Some(waiters) = state.topics.get_mut(topic.as_str()) {
                waiters.remove(&self.id);
                if waiters.is_empty() {
                    state.topics.remove(topic.as_str());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn topics(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn is_woken(subscription: &Subscription) -> bool {
        subscription.woken().now_or_never().is_some()
    }

    #[test]
    fn a_wake_counts_from_the_given_moment() {
        let hub = Arc::new(Hub::default());
        hub.wake("a");
        let since = hub.now();
        assert!(!is_woken(&hub.subscribe(&topics(&["a"]), since)), "old news");
        hub.wake("a");
        hub.wake("b");
        assert!(
            is_woken(&hub.subscribe(&topics(&["a"]), since)),
            "woke between the moment and the subscription"
        );
        assert!(
            is_woken(&hub.subscribe(&topics(&["x", "b"]), since)),
            "any of its topics"
        );
        assert!(!is_woken(&hub.subscribe(&topics(&["x"]), since)), "other topics");
    }

    #[test]
    fn later_wakes_are_coalesced() {
        let hub = Arc::new(Hub::default());
        let subscription = hub.subscribe(&topics(&["a"]), hub.now());
        assert!(!is_woken(&subscription));
        hub.wake("a");
        hub.wake("a");
        assert!(is_woken(&subscription));
        assert!(!is_woken(&subscription));
    }

    #[test]
    fn forgotten_wakes_count_as_woken() {
        let hub = Arc::new(Hub::default());
        let since = hub.now();
        hub.wake("a");
        for _ in 0..REMEMBERED_WAKES_MAX {
            hub.wake("other");
        }
        assert!(is_woken(&hub.subscribe(&topics(&["a"]), since)));
        assert!(!is_woken(&hub.subscribe(&topics(&["a"]), since + 1)));
    }

    #[test]
    fn a_dropped_subscription_leaves_nothing_behind() {
        let hub = Arc::new(Hub::default());
        drop(hub.subscribe(&topics(&["a", "a", "b"]), 0));
        assert!(hub.lock().topics.is_empty());
    }
}
