//! The server's clock as far as the agent knows it. A machine whose own clock is wrong by minutes still signs valid tokens.

/// By how much the server's clock is ahead of ours, in milliseconds, learned from one answer that took from `sent_ms` to
/// `received_ms` by our clock: the server is taken to have looked at its clock in the middle.
#[must_use]
pub fn offset(sent_ms: i64, received_ms: i64, server_ms: i64) -> i64 {
    let middle = sent_ms.saturating_add(received_ms.saturating_sub(sent_ms) / 2);
    server_ms.saturating_sub(middle)
}

/// Whether a token with offset `old` would be refused by a server at offset `new`: only then it is worth another try.
#[must_use]
pub fn differs(old: i64, new: i64) -> bool {
    old.abs_diff(new) > 2_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_request_counts() {
        assert_eq!(offset(1000, 1200, 601_100), 600_000);
        assert_eq!(offset(1000, 1000, 1000), 0);
        assert_eq!(offset(601_000, 601_000, 1000), -600_000);
        assert_eq!(offset(0, 0, i64::MAX), i64::MAX);
    }

    #[test]
    fn small_differences_are_no_reason() {
        assert!(!differs(0, 1500));
        assert!(differs(0, -600_000));
    }
}
