//! When to dial again.

use std::time::Duration;

/// The first wait is at most this long.
const FIRST: Duration = Duration::from_millis(500);
/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(30);

/// How long to wait before dial number `failures` + 1 after a tunnel was lost: full jitter, that is anything from nothing
/// to a limit that doubles from 0.5 s to 30 s. So a thousand agents that lost one edge at one moment come back spread out.
///
/// `failures` counts dials that failed since a tunnel last worked; `unit` is a fresh random number in `0.0..1.0`.
#[must_use]
pub fn backoff(failures: u32, unit: f64) -> Duration {
    let limit = FIRST.saturating_mul(1 << failures.min(10)).min(LONGEST);
    limit.mul_f64(unit.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_doubles_up_to_half_a_minute() {
        let limits: Vec<u128> = (0..9).map(|failures| backoff(failures, 1.0).as_millis()).collect();
        assert_eq!(limits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(backoff(u32::MAX, 1.0), LONGEST);
        assert_eq!(backoff(3, 0.0), Duration::ZERO);
        assert_eq!(backoff(3, f64::NAN.max(0.0)), Duration::ZERO);
    }

    /// 500 agents lose an edge that stays away for 10 s: each dials again by this function alone.
    #[test]
    fn a_reconnect_storm_is_spread_out() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            // xorshift: a fixed sequence, so that the test says the same each time.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let (mut dials, mut back) = (vec![0_u32; 120], vec![0_u32; 120]);
        for _ in 0..500 {
            let mut at = Duration::ZERO;
            for failures in 0.. {
                at += backoff(failures, random());
                let bucket = (at.as_millis() / 500) as usize;
                dials[bucket] += 1;
                if at > Duration::from_secs(10) {
                    back[bucket] += 1;
                    break;
                }
            }
        }
        let busiest_after = back.iter().max().unwrap();
        assert!(
            *busiest_after <= 100,
            "at most a fifth returns within any half second: {back:?}"
        );
        assert!(back.iter().sum::<u32>() == 500, "and all return: {back:?}");
        assert!(dials.iter().sum::<u32>() < 500 * 9, "without hammering: {dials:?}");
    }
}
