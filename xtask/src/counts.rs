//! Adds up test counts from the closing lines of the runners that `xtask test` calls.

/// What ran so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Counts {
    /// Reads one line of a runner's output; lines that say nothing about counts change nothing.
    pub(crate) fn read(&mut self, line: &str) {
        let line = strip_colours(line);
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("test result:") {
            self.add(rest, &[" passed", " failed", " ignored"]); // cargo test
        } else if let Some(rest) = line.strip_prefix("Tests ") {
            self.add(rest, &[" passed", " failed", " skipped"]); // vitest
        } else if line.split_whitespace().count() <= 3 && line.ends_with(')') && line.contains(" passed (") {
            self.add(line, &[" passed", " failed", " skipped"]); // playwright: "12 passed (8.1s)"
        } else if matches!(line.split_once(' '), Some((n, "failed" | "skipped" | "flaky")) if n.parse::<u64>().is_ok())
        {
            self.add(line, &[" passed", " failed", " skipped"]); // playwright: "1 failed"
        } else if let Some(rest) = line.strip_prefix("# pass ").or_else(|| line.strip_prefix("ℹ pass ")) {
            self.passed += rest.parse::<u64>().unwrap_or(0); // node --test
        } else if let Some(rest) = line.strip_prefix("# fail ").or_else(|| line.strip_prefix("ℹ fail ")) {
            self.failed += rest.parse::<u64>().unwrap_or(0);
        }
    }

    fn add(&mut self, text: &str, [passed, failed, skipped]: &[&str; 3]) {
        self.passed += number_before(text, passed);
        self.failed += number_before(text, failed);
        self.skipped += number_before(text, skipped);
    }
}

fn number_before(text: &str, word: &str) -> u64 {
    let Some((before, _)) = text.split_once(word) else {
        return 0;
    };
    let digits: String = before.chars().rev().take_while(char::is_ascii_digit).collect();
    digits.chars().rev().collect::<String>().parse().unwrap_or(0)
}

fn strip_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], passed: u64, failed: u64, skipped: u64) {
        let mut counts = Counts::default();
        lines.iter().for_each(|line| counts.read(line));
        assert_eq!(
            counts,
            Counts {
                passed,
                failed,
                skipped
            },
            "{lines:?}"
        );
    }

    #[test]
    fn reads_each_runner() {
        check(
            &["test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out"],
            12,
            0,
            1,
        );
        check(&["test result: FAILED. 3 passed; 2 failed; 0 ignored"], 3, 2, 0);
        check(&["      Tests  41 passed (41)"], 41, 0, 0);
        check(&["      Tests  1 failed | 40 passed (41)"], 40, 1, 0);
        check(
            &["\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m7 passed\u{1b}[39m (7)"],
            7,
            0,
            0,
        );
        check(&["  12 passed (8.1s)"], 12, 0, 0);
        check(&["  1 failed", "  11 passed (8.1s)"], 11, 1, 0);
        check(&["# pass 5", "# fail 1"], 5, 1, 0);
        check(
            &["Test Files  9 passed (9)", "running 4 tests", "the 3 passed"],
            0,
            0,
            0,
        );
    }
}
