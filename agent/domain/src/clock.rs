//! The server's clock as far as the agent knows it. A machine whose own clock is wrong by minutes still signs valid tokens.

/// By how much the server's clock is ahead of ours, in milliseconds, after one more answer: `known` is what was believed, the
/// request took from `sent_ms` to `received_ms` by our clock, and the server looked at its clock at some moment between.
/// What is believed changes only as far as that contradicts it, so slow answers teach nothing wrong.
#[must_use]
pub fn offset(known: i64, sent_ms: i64, received_ms: i64, server_ms: i64) -> i64 {
    let least = server_ms.saturating_sub(received_ms.max(sent_ms));
    let most = server_ms.saturating_sub(sent_ms);
    known.clamp(least.min(most), most)
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
    fn an_answer_corrects_what_it_contradicts_and_no_more() {
        assert_eq!(offset(0, 1000, 1200, 601_100), 599_900);
        assert_eq!(offset(599_900, 1000, 1000, 601_000), 600_000);
        assert_eq!(offset(0, 601_000, 601_000, 1000), -600_000);
        // A held request was answered at its end: nothing new.
        assert_eq!(offset(3, 1000, 26_000, 25_990), 3);
        assert_eq!(offset(3, 1000, 500, 1003), 3);
        assert_eq!(offset(0, 0, 0, i64::MAX), i64::MAX);
    }

    #[test]
    fn small_differences_are_no_reason() {
        assert!(!differs(0, 1500));
        assert!(differs(0, -600_000));
    }
}
