//! Rate limits: fixed windows, counted by one atomic statement of `kit`.
//!
//! A fixed window lets through at most twice its number around a border. That is fine for what it guards: guessing
//! 256-bit secrets is hopeless at any such rate, and the limit is there to keep the noise down.

/// How often, and in what time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Requests in one window.
    pub requests_max: u32,
    /// Length of the window.
    pub window_ms: i64,
}

/// The start of the window that `now` lies in.
pub fn window_start(limit: Limit, now: i64) -> i64 {
    now - now.rem_euclid(limit.window_ms.max(1))
}

/// Decides about the request that made the counter of this window reach `count`.
///
/// # Errors
/// Seconds to wait, at least one.
pub fn decide(limit: Limit, count: i64, now: i64) -> Result<(), i64> {
    if count <= i64::from(limit.requests_max) {
        return Ok(());
    }
    let wait_ms = window_start(limit, now) + limit.window_ms - now;
    Err(wait_ms.max(0) / 1_000 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_lets_its_number_through() {
        let limit = Limit {
            requests_max: 10,
            window_ms: 60_000,
        };
        let check = |count, now, expect| assert_eq!(decide(limit, count, now), expect, "{count} at {now}");
        check(1, 0, Ok(()));
        check(10, 59_999, Ok(()));
        check(11, 0, Err(61));
        check(11, 30_000, Err(31));
        check(11, 59_999, Err(1));
        check(1_000, 120_500, Err(60));
        for (now, start) in [(0, 0), (59_999, 0), (60_000, 60_000), (-1, -60_000)] {
            assert_eq!(window_start(limit, now), start);
        }
    }
}
