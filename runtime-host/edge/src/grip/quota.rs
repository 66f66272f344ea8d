//! How many holds there may be, in all and per client.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};

/// Limits of everything that is held.
#[derive(Clone, Debug)]
pub struct HoldLimits {
    /// Held streams and long-polls in all.
    pub total_max: usize,
    /// Held streams and long-polls of one client: one set of credentials, or one address where there are none.
    pub per_client_max: usize,
    /// One hold asks its link no more often than this, however often its topics wake: the bound of any loop.
    pub interval_min: Duration,
    /// So many holds ask their links at the same time when a topic of thousands wakes; the others queue.
    pub concurrent_max: usize,
    /// A long-poll's time-out answer is kept in memory while it is held, up to this size.
    pub poll_bytes_max: u64,
}

impl Default for HoldLimits {
    fn default() -> Self {
        Self {
            total_max: 10_000,
            per_client_max: 64,
            interval_min: Duration::from_millis(20),
            concurrent_max: 64,
            poll_bytes_max: 64 * 1024,
        }
    }
}

/// Counts holds and gives out permits.
#[derive(Debug)]
pub(super) struct Quota {
    total_max: usize,
    per_client_max: usize,
    hasher: RandomState,
    state: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    per_client: HashMap<u64, usize>,
}

impl Quota {
    pub(super) fn new(limits: &HoldLimits) -> Arc<Self> {
        Arc::new(Self {
            total_max: limits.total_max,
            per_client_max: limits.per_client_max,
            hasher: RandomState::new(),
            state: Mutex::default(),
        })
    }

    /// `None` when the client, or the whole edge, holds enough already.
    pub(super) fn admit(self: &Arc<Self>, headers: &HeaderMap, address: Option<IpAddr>) -> Option<Permit> {
        let client = self.client(headers, address);
        let mut counts = self.lock();
        if counts.total >= self.total_max {
            return None;
        }
        let held = counts.per_client.entry(client).or_insert(0);
        if *held >= self.per_client_max {
            return None;
        }
        *held += 1;
        counts.total += 1;
        drop(counts);
        Some(Permit {
            quota: Arc::clone(self),
            client,
        })
    }

    /// Who a client is. Credentials are only hashed, with a key of this process; a client cannot escape its limit by
    /// inventing credentials, because the application holds nothing for those that it does not know.
    fn client(&self, headers: &HeaderMap, address: Option<IpAddr>) -> u64 {
        let credentials = headers.get(AUTHORIZATION).or_else(|| headers.get(COOKIE));
        match credentials {
            Some(credentials) => self.hash((1_u8, credentials.as_bytes())),
            None => self.hash((2_u8, address)),
        }
    }

    fn hash(&self, value: impl Hash) -> u64 {
        self.hasher.hash_one(value)
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one hold, given back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    quota: Arc<Quota>,
    client: u64,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.quota.lock();
        counts.total = counts.total.saturating_sub(1);
        if let Entry::Occupied(mut held) = counts.per_client.entry(self.client) {
            *held.get_mut() -= 1;
            if *held.get() == 0 {
                held.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_and_the_whole_edge_have_a_limit() {
        let quota = Quota::new(&HoldLimits {
            total_max: 3,
            per_client_max: 2,
            ..HoldLimits::default()
        });
        let cookie = |value: &str| HeaderMap::from_iter([(COOKIE, value.parse().unwrap())]);
        let (alice, bob, nobody) = (cookie("a"), cookie("b"), HeaderMap::new());
        let first = quota.admit(&alice, None);
        let _second = quota.admit(&alice, None).unwrap();
        assert!(quota.admit(&alice, None).is_none(), "her third");
        let _third = quota.admit(&bob, None).unwrap();
        assert!(
            quota.admit(&nobody, Some([127, 0, 0, 1].into())).is_none(),
            "the fourth of all"
        );
        drop(first);
        assert!(quota.admit(&nobody, Some([127, 0, 0, 1].into())).is_some());
        assert_eq!(quota.lock().per_client.len(), 2, "clients without a hold are forgotten");
    }
}
