//! Names of container images, by the grammar of the distribution project, narrowed to what is in use.

/// Longest name.
const BYTES_MAX: usize = 512;

/// Why it is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of an image: `[host[:port]/]path[:tag][@sha256:digest]` is expected, in lowercase")]
pub struct NoImage(pub String);

/// Checks a name.
///
/// # Errors
/// When it cannot be one.
pub fn read(text: &str) -> Result<String, NoImage> {
    let name = text.trim();
    if name.len() <= BYTES_MAX && is_image(name) {
        Ok(name.to_owned())
    } else {
        Err(NoImage(name.chars().take(80).collect()))
    }
}

fn is_image(name: &str) -> bool {
    let (name, digest) = name
        .split_once('@')
        .map_or((name, None), |(name, digest)| (name, Some(digest)));
    let hex = |text: &str| text.len() == 64 && text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
    if digest.is_some_and(|digest| !digest.strip_prefix("sha256:").is_some_and(hex)) {
        return false;
    }
    // A colon after the last slash begins the tag; one before belongs to the host's port.
    let (path, tag) = match name.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (name, None),
    };
    let is_tag = |tag: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        (1..=128).contains(&tag.len()) && tag.chars().all(plain) && !tag.starts_with(['.', '-'])
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return false;
    }
    let mut parts = path.split('/');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<_> = parts.collect();
    let first_is_good = is_part(first) || (!rest.is_empty() && is_host(first));
    first_is_good && rest.into_iter().all(is_part)
}

fn is_part(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    part.chars().all(plain) && edge(part.chars().next()) && edge(part.chars().next_back())
}

fn is_host(host: &str) -> bool {
    let (name, port) = host
        .split_once(':')
        .map_or((host, None), |(name, port)| (name, Some(port)));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    // As Docker tells a host from the first part of a path.
    let looks_like_one = name.contains('.') || port.is_some() || name == "localhost";
    let has_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    !name.is_empty() && !name.starts_with(['.', '-']) && name.chars().all(plain) && has_port && looks_like_one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let digest = format!("x@sha256:{}", "0a".repeat(32));
        for good in [
            "debian",
            "debian:12",
            "a/b:c",
            "localhost:5000/a",
            "ghcr.io/a/b_c:v1.2-x",
            "sam/base:1",
            &digest,
        ] {
            assert_eq!(read(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "-x",
            "A/b",
            "a b",
            "a:",
            "a/",
            "/a",
            "a//b",
            "a:b:c",
            "a@sha256:0",
            "a;b",
            "a:-x",
            "host:x/a",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
