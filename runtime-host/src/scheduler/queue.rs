//! When a queue is called: a pure state machine.
//!
//! ```text
//!         due, woken                  more, or woken meanwhile
//!  Idle ───────────▶ Running ─────────────────────────────────┐
//!   ▲ ▲                │ │ ▲                                  │
//!   │ └─ ended ────────┘ │ └──────────────────────────────────┘
//!   │                  failed: rest 1 s, 2 s, 4 s … 60 s
//!   │                    ▼
//!   └─ time is up ◀── Resting (due and woken are ignored)
//! ```

use std::time::Duration;
use tokio::time::Instant;

const REST_MIN: Duration = Duration::from_secs(1);
const REST_MAX: Duration = Duration::from_secs(60);

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Idle,
    More,
    Failed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Idle,
    Running {
        woken: bool,
    },
    Resting {
        until: Instant,
    },
}

/// One queue. Each method returns whether to call it now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct QueueState {
    phase: Phase,
    failures: u32,
}

impl QueueState {
    /// The tick found work.
    #[must_use]
    pub(super) fn due(&mut self, now: Instant) -> bool {
        match self.phase {
            Phase::Running { .. } => false,
            Phase::Resting { until } if now < until => false,
            Phase::Idle | Phase::Resting { .. } => {
                self.phase = Phase::Running { woken: false };
                true
            }
        }
    }

    /// New work has just been written. If a call is running it may have looked before that, so another must follow.
    #[must_use]
    pub(super) fn woken(&mut self, now: Instant) -> bool {
        if let Phase::Running { woken } = &mut self.phase {
            *woken = true;
            return false;
        }
        self.due(now)
    }

    /// The call ended.
    pub(super) fn ended(&mut self, outcome: Outcome, now: Instant) -> bool {
        let woken = self.phase == Phase::Running { woken: true };
        if outcome == Outcome::Failed {
            let doublings = self.failures.min(16);
            self.failures = self.failures.saturating_add(1);
            let rest = REST_MIN.saturating_mul(1 << doublings).min(REST_MAX);
            self.phase = Phase::Resting { until: now + rest };
            return false;
        }
        self.failures = 0;
        let again = woken || outcome == Outcome::More;
        self.phase = if again {
            Phase::Running { woken: false }
        } else {
            Phase::Idle
        };
        again
    }

    /// Failures since the last success.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Due,
        Woken,
        Ended(Outcome),
        Wait(u64),
    }
    use Outcome::{Failed, Idle, More};
    use Step::{Due, Ended, Wait, Woken};

    #[test]
    fn calls_follow_from_what_happened() {
        let cases: &[(&[Step], &[bool])] = &[
            (&[Due, Due, Woken], &[true, false, false]),
            (&[Due, Ended(Idle), Due], &[true, false, true]),
            (&[Due, Ended(More), Ended(Idle)], &[true, true, false]),
            (&[Woken, Woken, Ended(Idle), Ended(Idle)], &[true, false, true, false]),
            (&[Due, Due, Ended(Idle)], &[true, false, false]),
            (
                &[Due, Ended(Failed), Due, Woken, Wait(1000), Due],
                &[true, false, false, false, false, true],
            ),
            (
                &[
                    Due,
                    Ended(Failed),
                    Wait(1000),
                    Due,
                    Ended(Failed),
                    Wait(1000),
                    Due,
                    Wait(1000),
                    Woken,
                ],
                &[true, false, false, true, false, false, false, false, true],
            ),
            (
                &[
                    Due,
                    Ended(Failed),
                    Wait(1000),
                    Due,
                    Ended(Idle),
                    Due,
                    Ended(Failed),
                    Wait(1000),
                    Due,
                ],
                &[true, false, false, true, false, true, false, false, true],
            ),
        ];
        for (steps, expect) in cases {
            let (mut state, mut now) = (QueueState::default(), Instant::now());
            let calls: Vec<bool> = steps
                .iter()
                .map(|step| match *step {
                    Due => state.due(now),
                    Woken => state.woken(now),
                    Ended(outcome) => state.ended(outcome, now),
                    Wait(ms) => {
                        now += Duration::from_millis(ms);
                        false
                    }
                })
                .collect();
            assert_eq!(calls, *expect, "{steps:?}");
        }
    }

    #[test]
    fn rests_grow_to_a_minute_and_no_further() {
        let (mut state, now) = (QueueState::default(), Instant::now());
        for _ in 0..40 {
            let _ = state.due(now + Duration::from_secs(3600));
            state.ended(Failed, now);
        }
        assert!(!state.due(now + Duration::from_secs(59)));
        assert!(state.due(now + Duration::from_secs(60)));
    }
}
