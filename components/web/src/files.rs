//! Where the files come from.

use std::fs;
use std::path::{Component, Path};
use std::time::UNIX_EPOCH;

/// A file with what tells its versions apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// All of it: the largest is a script of some hundred kilobytes.
    pub body: Vec<u8>,
    /// Last change, in epoch milliseconds; 0 when the host does not say.
    pub modified_ms: u128,
}

impl File {
    /// Changes whenever the file does. Encodings of one file are files of their own and so have tags of their own.
    pub fn etag(&self) -> String {
        format!("\"{:x}-{:x}\"", self.modified_ms, self.body.len())
    }
}

/// A folder of files.
pub trait Files {
    /// The file at a path relative to the folder.
    fn read(&self, path: &str) -> Option<File>;
}

/// The files that `spin.toml` mounts at `/`.
pub struct Mounted;

impl Files for Mounted {
    fn read(&self, path: &str) -> Option<File> {
        let path = Path::new("/").join(path);
        let meta = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        let modified = meta
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let body = fs::read(&path).ok()?;
        Some(File {
            body,
            modified_ms: modified.map_or(0, |since| since.as_millis()),
        })
    }
}

/// A URL path as a path inside the folder; none when it leads outside or is not plain text.
pub fn relative(url_path: &str) -> Option<String> {
    let decoded = percent_decode(url_path.trim_start_matches('/'))?;
    let plain = Path::new(&decoded)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    (plain && !decoded.contains(['\0', '\\'])).then_some(decoded)
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        let check = |path, expect: Option<&str>| assert_eq!(relative(path).as_deref(), expect, "{path}");
        check("/", Some(""));
        check("/assets/app.js", Some("assets/app.js"));
        check("/a%20b", Some("a b"));
        check("/settings/%C3%A4", Some("settings/ä"));
        for path in [
            "/../etc/passwd",
            "/a/../../b",
            "/%2e%2e/b",
            "/a%00b",
            "/%zz",
            "/%f",
            "/%ff",
            "/a\\b",
        ] {
            check(path, None);
        }
    }
}
