//! The life of a job. The table is worked on by `kit::jobs`; what happens to a failed job is decided here.
//!
//! ```text
//!            claim (lease)                 complete
//!  waiting ───────────────▶ held ─────────────────────▶ done      (enqueued again meanwhile: back to waiting)
//!     ▲                      │ │ lease ran out: another worker takes it over, the old lease completes nothing
//!     │    fail, retry left  │ │
//!     └──────────────────────┘ │ fail, no retry left
//!     ▲        retry by hand   ▼
//!     └────────────────────  parked (dead letter, with its cause)
//! ```
//!
//! `held` has a deadline, the lease; a job whose worker dies each time is parked after its last attempt, too, because
//! an attempt is counted when it starts.

/// How patient a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Attempts before a job is parked.
    pub attempts_max: u32,
    /// Wait before the second attempt; doubles with each further one.
    pub backoff_ms: i64,
    /// Longest wait.
    pub backoff_ms_max: i64,
}

/// What becomes of a failed job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// It is due again at this time.
    RetryAt(i64),
    /// It waits for a person.
    Park,
}

/// Decides about a job whose attempt number `attempts` (from 1) failed at `now`.
///
/// `jitter` is any random number; it spreads the wait over its upper half, so that jobs that failed together do not
/// come back together.
pub fn after_failure(patience: Patience, attempts: u32, now: i64, jitter: u64) -> AfterFailure {
    if attempts >= patience.attempts_max {
        return AfterFailure::Park;
    }
    let doublings = attempts.saturating_sub(1).min(40);
    let full = patience
        .backoff_ms
        .saturating_mul(1_i64 << doublings)
        .clamp(1, patience.backoff_ms_max.max(1));
    let half = full / 2;
    let spread = i64::try_from(jitter % u64::try_from(full - half + 1).unwrap_or(1)).unwrap_or(0);
    AfterFailure::RetryAt(now.saturating_add(half).saturating_add(spread))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        attempts_max: 5,
        backoff_ms: 1_000,
        backoff_ms_max: 5_000,
    };

    fn check(attempts: u32, jitter: u64, expect: AfterFailure) {
        assert_eq!(
            after_failure(PATIENCE, attempts, 10_000, jitter),
            expect,
            "attempt {attempts}"
        );
    }

    #[test]
    fn waits_double_up_to_the_longest_and_end_in_parking() {
        check(1, 0, AfterFailure::RetryAt(10_500));
        check(1, 500, AfterFailure::RetryAt(11_000));
        check(2, 0, AfterFailure::RetryAt(11_000));
        check(3, 0, AfterFailure::RetryAt(12_000));
        check(4, 0, AfterFailure::RetryAt(12_500)); // 8 s, cut to 5 s
        check(5, 0, AfterFailure::Park);
        check(99, 0, AfterFailure::Park);
    }

    proptest::proptest! {
        #[test]
        fn a_wait_is_between_half_and_full(attempts in 1_u32..200, jitter: u64, backoff_ms in 1_i64..1_000_000) {
            let patience = Patience { attempts_max: 1_000, backoff_ms, backoff_ms_max: 3_600_000 };
            let AfterFailure::RetryAt(at) = after_failure(patience, attempts, 0, jitter) else { panic!("parked") };
            let full = (backoff_ms as f64 * 2_f64.powi(attempts as i32 - 1)).min(3_600_000.0) as i64;
            proptest::prop_assert!((full / 2..=full).contains(&at), "{at} of {full}");
        }
    }
}
