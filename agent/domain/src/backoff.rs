//! When to try again.

use core::time::Duration;

/// Full jitter: anything from nothing to a limit that doubles with each failure. `failures` counts from 0 for the first
/// wait; `unit` is a fresh random number in `0.0..1.0`.
#[must_use]
pub fn jittered(failures: u32, first: Duration, longest: Duration, unit: f64) -> Duration {
    limit(failures, first, longest).mul_f64(unit.clamp(0.0, 1.0))
}

/// The longest wait after so many failures.
#[must_use]
pub fn limit(failures: u32, first: Duration, longest: Duration) -> Duration {
    first.saturating_mul(1_u32 << failures.min(20)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_doubles_and_ends() {
        let (first, longest) = (Duration::from_millis(500), Duration::from_secs(30));
        let limits: Vec<_> = (0..8).map(|n| limit(n, first, longest).as_millis()).collect();
        assert_eq!(limits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(limit(u32::MAX, first, longest), longest);
        assert_eq!(jittered(4, first, longest, 0.0), Duration::ZERO);
        assert_eq!(jittered(0, first, longest, 0.5), Duration::from_millis(250));
    }
}
