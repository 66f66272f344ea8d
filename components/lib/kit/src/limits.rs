//! Rate limits: one atomic statement counts, `domain::rate_limits` decides.

use sam_contract::error::ErrorCode;
use sam_contract::route::RateLimit;
use sam_domain::rate_limits::{self, Limit};
use serde_json::json;

use crate::db::Db;
use crate::error::ApiError;
use crate::params;

const COUNT: &str = "INSERT INTO rate_limits (key, window_start, requests) VALUES (?1, ?2, 1)
    ON CONFLICT (key) DO UPDATE SET
        requests = CASE window_start WHEN excluded.window_start THEN requests + 1 ELSE 1 END,
        window_start = excluded.window_start
    RETURNING requests";

/// Counts a request of `caller` (a user id or an address) on a route and refuses it when it is one too many.
///
/// # Errors
/// `RATE_LIMIT_EXCEEDED` with `retry_after_s`, or when the database fails.
pub async fn count(db: &impl Db, route: &str, caller: &str, limit: RateLimit, now: i64) -> Result<(), ApiError> {
    let limit = Limit {
        requests_max: limit.requests_max,
        window_ms: i64::from(limit.window_s) * 1_000,
    };
    let start = rate_limits::window_start(limit, now);
    let row = db.row(COUNT, params![format!("{route}/{caller}"), start]).await?;
    let requests = row.map(|row| row.get::<i64>("requests")).transpose()?.unwrap_or(1);
    rate_limits::decide(limit, requests, now).map_err(|retry_after_s| {
        let message = format!("Too many requests. Try again in {retry_after_s} s.");
        ApiError::new(ErrorCode::RateLimitExceeded, message).with_details(json!({ "retry_after_s": retry_after_s }))
    })
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::native::NativeDb;

    #[test]
    fn callers_and_windows_are_counted_apart() {
        let db = NativeDb::migrated("default").unwrap();
        let limit = RateLimit {
            requests_max: 2,
            window_s: 60,
        };
        let check = |caller: &str, now: i64, expect: Result<(), i64>| {
            let got = block_on(count(&db, "login", caller, limit, now));
            let got = got.map_err(|error| error.details.unwrap()["retry_after_s"].as_i64().unwrap());
            assert_eq!(got, expect, "{caller} at {now}");
        };
        check("a", 0, Ok(()));
        check("a", 10_000, Ok(()));
        check("a", 20_000, Err(41));
        check("b", 20_000, Ok(()));
        check("a", 60_000, Ok(()));
    }
}
