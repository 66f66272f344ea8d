//! The server's clock, learned from its answers; and fresh ids by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use sam_agent_domain::clock::{differs, offset};
use sam_contract::ids::Id;

/// Shared by everything that tells a time to the control plane.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
}

/// This machine's clock, epoch milliseconds.
pub fn local_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Clock {
    /// The server's clock, epoch milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.of_local(local_ms())
    }

    /// What the server's clock showed when ours showed that.
    pub fn of_local(&self, local_ms: i64) -> i64 {
        local_ms.saturating_add(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Learns from an answer; says whether the clock was so wrong that the request is worth another try.
    pub fn learn(&self, sent_ms: i64, server_ms: i64) -> bool {
        if server_ms <= 0 {
            return false;
        }
        let old = self.offset_ms.load(Ordering::Relaxed);
        let new = offset(old, sent_ms, local_ms(), server_ms);
        self.offset_ms.store(new, Ordering::Relaxed);
        differs(old, new)
    }

    /// A fresh id.
    pub fn id<T: Id>(&self) -> T {
        T::from_parts(self.now_ms(), random())
    }
}

/// Random bits.
pub fn random() -> u128 {
    let mut bytes = [0; 16];
    // The kernel's generator does not fail once the machine is up; a time is a poor but unique substitute.
    if getrandom::fill(&mut bytes).is_err() {
        return u128::from(local_ms().unsigned_abs());
    }
    u128::from_le_bytes(bytes)
}

/// A random number in `0.0..1.0`.
pub fn unit() -> f64 {
    let bits = u32::try_from(random() & u128::from(u32::MAX)).unwrap_or_default();
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}
