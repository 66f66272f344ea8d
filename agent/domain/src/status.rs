//! What `git status --porcelain=v2 --branch -z` says.

/// A working copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Branch; none when detached.
    pub branch: Option<String>,
    /// Commit; none before the first.
    pub commit: Option<String>,
    /// Branch of the remote that it follows.
    pub upstream: Option<String>,
    /// Commits that the upstream lacks.
    pub ahead: u32,
    /// Commits that only the upstream has.
    pub behind: u32,
    /// Changed files.
    pub files: Vec<Changed>,
    /// There are more than the limit.
    pub truncated: bool,
}

/// A changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Where it is.
    pub path: String,
    /// Where it was, when renamed.
    pub from: Option<String>,
    /// Letter of the index.
    pub staged: char,
    /// Letter of the working copy.
    pub unstaged: char,
}

/// Reads git's answer; what it does not know is passed over. At most `limit` files are kept.
#[must_use]
pub fn parse(output: &str, limit: usize) -> Status {
    let mut status = Status::default();
    let mut records = output.split('\0');
    while let Some(record) = records.next() {
        if let Some(header) = record.strip_prefix("# branch.") {
            branch(&mut status, header);
            continue;
        }
        let Some(mut file) = changed(record) else { continue };
        if record.starts_with("2 ") {
            file.from = records.next().map(str::to_owned);
        }
        if status.files.len() >= limit {
            status.truncated = true;
        } else {
            status.files.push(file);
        }
    }
    status
}

fn branch(status: &mut Status, header: &str) {
    let Some((key, value)) = header.split_once(' ') else {
        return;
    };
    match key {
        "oid" if value != "(initial)" => status.commit = Some(value.to_owned()),
        "head" if value != "(detached)" => status.branch = Some(value.to_owned()),
        "upstream" => status.upstream = Some(value.to_owned()),
        "ab" => {
            let mut counts = value
                .split(' ')
                .map(|count| count.trim_start_matches(['+', '-']).parse());
            status.ahead = counts.next().and_then(Result::ok).unwrap_or(0);
            status.behind = counts.next().and_then(Result::ok).unwrap_or(0);
        }
        _ => {}
    }
}

fn changed(record: &str) -> Option<Changed> {
    let (kind, rest) = record.split_once(' ')?;
    // Fields before the path: `1` has 7, `2` has 8, `u` has 9, counted after the kind.
    let fields = match kind {
        "?" => {
            return Some(Changed {
                path: rest.to_owned(),
                from: None,
                staged: '?',
                unstaged: '?',
            });
        }
        "1" => 7,
        "2" => 8,
        "u" => 9,
        _ => return None,
    };
    let mut letters = rest.chars();
    let (staged, unstaged) = (letters.next()?, letters.next()?);
    let path = rest.splitn(fields + 1, ' ').nth(fields)?;
    Some(Changed {
        path: path.to_owned(),
        from: None,
        staged,
        unstaged,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_record() {
        let output = [
            "# branch.oid 0123",
            "# branch.head main",
            "# branch.upstream origin/main",
            "# branch.ab +2 -3",
            "# stash 1",
            "1 .M N... 100644 100644 100644 aaa bbb src/a b.rs",
            "2 R. N... 100644 100644 100644 aaa bbb R100 new name",
            "old name",
            "u UU N... 100644 100644 100644 100644 a b c both",
            "? un tracked",
            "",
        ]
        .join("\0");
        let status = parse(&output, 100);
        assert_eq!(status.branch.as_deref(), Some("main"));
        assert_eq!((status.ahead, status.behind), (2, 3));
        let seen: Vec<_> = status
            .files
            .iter()
            .map(|f| (f.path.as_str(), f.staged, f.unstaged))
            .collect();
        let expected = [
            ("src/a b.rs", '.', 'M'),
            ("new name", 'R', '.'),
            ("both", 'U', 'U'),
            ("un tracked", '?', '?'),
        ];
        assert_eq!(seen, expected);
        assert_eq!(status.files[1].from.as_deref(), Some("old name"));
        let short = parse(&output, 2);
        assert!(short.truncated && short.files.len() == 2);
    }

    #[test]
    fn before_the_first_commit_and_detached() {
        let status = parse("# branch.oid (initial)\0# branch.head (detached)\0", 10);
        assert_eq!(status, Status::default());
    }
}
