//! Names of branches, by the rules of `git check-ref-format --branch`.

/// Longest name in bytes: git keeps refs in files, whose names end at 255 with `.lock`.
const BYTES_MAX: usize = 250;

/// Why it is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be the name of a branch: git allows no spaces, control characters, `..`, `@{{`, `\\`, `~^:?*[`, \
         nothing that begins with `-` or `.` or ends with `/`, `.` or `.lock`"
)]
pub struct NoBranch(pub String);

/// Checks a name.
///
/// # Errors
/// When git would not take it.
pub fn read(text: &str) -> Result<String, NoBranch> {
    let name = text.trim();
    let odd = |c: char| c.is_control() || c == ' ' || matches!(c, '~' | '^' | ':' | '?' | '*' | '[' | '\\' | '\u{7f}');
    let parts_are_good = name
        .split('/')
        .all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"));
    let good = !name.is_empty()
        && name.len() <= BYTES_MAX
        && !name.starts_with('-')
        && !name.ends_with('.')
        && name != "@"
        && name != "HEAD"
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(odd)
        && parts_are_good;
    if good {
        Ok(name.to_owned())
    } else {
        Err(NoBranch(name.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["main", "feature/x", "a.b", "ümlaut", "v1.0-rc@2", "x/-y", "@x"] {
            assert_eq!(read(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "-x",
            "a..b",
            "a b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[",
            "a\\b",
            "a\u{7}",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.lock/b",
            "a.",
            "@",
            "a@{1}",
            "HEAD",
            &"x".repeat(251),
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
