//! Paths that users name: always relative to the working copy, never out of it.
//!
//! This is the first of two fences. What a symbolic link does is decided by the kernel, where the path is opened.

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It begins at the root of the machine.
    Absolute,
    /// It contains `..`.
    Parent,
    /// It contains a NUL.
    Nul,
    /// It is longer than 4,096 bytes.
    TooLong,
    /// It names the working copy itself where a thing in it is meant.
    Root,
}

impl Refused {
    /// For people.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Absolute => "the path is absolute: give it relative to the working copy",
            Self::Parent => "the path contains `..`: it may not leave the working copy",
            Self::Nul => "the path contains a NUL",
            Self::TooLong => "the path is longer than 4096 bytes",
            Self::Root => "the path names the working copy itself",
        }
    }
}

/// The path in its plain form: without `.`, double and trailing slashes. Empty for the working copy itself.
pub fn relative(path: &str) -> Result<String, Refused> {
    if path.len() > 4096 {
        return Err(Refused::TooLong);
    }
    if path.contains('\0') {
        return Err(Refused::Nul);
    }
    if path.starts_with('/') {
        return Err(Refused::Absolute);
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(Refused::Parent),
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// As [`relative`], for something in the working copy.
pub fn inside(path: &str) -> Result<String, Refused> {
    match relative(path)? {
        path if path.is_empty() => Err(Refused::Root),
        path => Ok(path),
    }
}

/// A file name for `content-disposition`, as an RFC 5987 value.
#[must_use]
pub fn disposition(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut value = String::from("attachment; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            value.push(char::from(byte));
        } else {
            value.push_str(&format!("%{byte:02X}"));
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(path: &str, expect: Result<&str, Refused>) {
        assert_eq!(relative(path), expect.map(str::to_owned), "{path:?}");
    }

    #[test]
    fn only_paths_below_the_working_copy() {
        check("", Ok(""));
        check(".", Ok(""));
        check("src//main.rs", Ok("src/main.rs"));
        check("./a/./b/", Ok("a/b"));
        check("a/..b/...", Ok("a/..b/..."));
        check("..", Err(Refused::Parent));
        check("a/../b", Err(Refused::Parent));
        check("/etc/passwd", Err(Refused::Absolute));
        check("a\0b", Err(Refused::Nul));
        check(&"a/".repeat(3000), Err(Refused::TooLong));
        assert_eq!(inside("./"), Err(Refused::Root));
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(
            disposition("a/b c\"\r\n.txt"),
            "attachment; filename*=UTF-8''b%20c%22%0D%0A.txt"
        );
        assert_eq!(disposition("ü"), "attachment; filename*=UTF-8''%C3%BC");
    }

    proptest! {
        #[test]
        fn what_is_taken_never_climbs(path in "[./a-c]{0,24}") {
            if let Ok(plain) = relative(&path) {
                prop_assert!(!plain.starts_with('/') && plain.split('/').all(|part| part != ".." && part != "."));
                prop_assert_eq!(relative(&plain), Ok(plain.clone()));
            }
        }
    }
}
