//! Browser sessions: how long they live, what is remembered of the browser, and who hears of it.

use crate::effects::Effects;

/// Longest remembered `user-agent`, in characters: enough to recognise a browser, too little to fill a table.
const USER_AGENT_CHARS_MAX: usize = 200;

/// How precise `last_seen_at` is: one write a minute, however busy the page.
const SEEN_MS: i64 = 60_000;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// When a session that begins now ends by itself.
pub fn expires_at(now: i64, session_days: i64) -> i64 {
    now.saturating_add(session_days.saturating_mul(DAY_MS))
}

/// What a new session brings about: the user's other devices hear of it.
pub fn started(session: &str) -> Effects {
    Effects::event("session.started", 1, vec![("session_id", session.into())])
}

/// What its end brings about.
pub fn ended(session: &str) -> Effects {
    Effects::event("session.ended", 1, vec![("session_id", session.into())])
}

/// Whether a request should note that the session (or token) was used.
pub fn is_seen_again(last_seen_at: Option<i64>, now: i64) -> bool {
    last_seen_at.is_none_or(|last| now.saturating_sub(last) >= SEEN_MS)
}

/// What is kept of a `user-agent` header: visible ASCII, cut.
pub fn user_agent(header: &str) -> String {
    let visible = header.chars().filter(|c| matches!(c, ' '..='~'));
    visible.take(USER_AGENT_CHARS_MAX).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes() {
        assert_eq!(expires_at(5, 30), 5 + 30 * 24 * 3_600_000);
        assert_eq!(expires_at(i64::MAX, 1), i64::MAX);
        for (last, now, expect) in [
            (None, 0, true),
            (Some(0), 59_999, false),
            (Some(0), 60_000, true),
            (Some(100), 50, false), // the clock went back
        ] {
            assert_eq!(is_seen_again(last, now), expect, "{last:?} at {now}");
        }
    }

    #[test]
    fn user_agents() {
        let check = |header: &str, expect: &str| assert_eq!(user_agent(header), expect);
        check("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (X11; Linux x86_64)");
        check(" curl/8\u{7f}\u{9}\u{e9} ", "curl/8");
        check("", "");
        check(&"a".repeat(1_000), &"a".repeat(200));
    }
}
