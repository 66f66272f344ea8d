//! What `git clone --progress` says about how far it is.

/// Percent of the whole, where a line tells it. Git has phases of its own; receiving and resolving are most of the time.
#[must_use]
pub fn percent(line: &str) -> Option<u8> {
    let line = line.strip_prefix("remote: ").unwrap_or(line);
    let (phase, rest) = line.split_once(':')?;
    let digits = rest.trim_start().split('%').next()?;
    let part: u16 = digits.parse().ok().filter(|part| *part <= 100)?;
    let (from, to) = match phase {
        "Counting objects" | "Enumerating objects" => (0, 2),
        "Compressing objects" => (2, 5),
        "Receiving objects" => (5, 75),
        "Resolving deltas" => (75, 90),
        "Updating files" | "Checking out files" => (90, 100),
        _ => return None,
    };
    u8::try_from(from + (to - from) * part / 100).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_share_the_hundred() {
        assert_eq!(percent("remote: Counting objects:  50% (5/10)"), Some(1));
        assert_eq!(
            percent("Receiving objects:  45% (450/1000), 1.2 MiB | 3 MiB/s"),
            Some(36)
        );
        assert_eq!(percent("Receiving objects: 100% (1000/1000), done."), Some(75));
        assert_eq!(percent("Resolving deltas:   0% (0/9)"), Some(75));
        assert_eq!(percent("Updating files: 100% (9/9), done."), Some(100));
        assert_eq!(percent("Cloning into 'x'..."), None);
        assert_eq!(percent("Receiving objects: 900%"), None);
        assert_eq!(percent(""), None);
    }
}
