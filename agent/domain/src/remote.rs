//! Which places git may be sent to. Git runs commands for some of its URL forms (`ext::sh -c …`), and takes a leading `-` for
//! an option: only known forms pass.

/// What a repository's address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remote {
    /// `https://…` or `http://…`.
    Http,
    /// `ssh://…` or `user@host:path`.
    Ssh,
    /// `git://…`.
    Git,
    /// An absolute path on the node.
    Path,
}

/// What git itself is told to allow, as a second fence (`GIT_ALLOW_PROTOCOL`).
pub const ALLOWED: &str = "https:http:ssh:git:file";

/// Reads an address; the error is a sentence.
pub fn parse(url: &str) -> Result<Remote, &'static str> {
    if url.is_empty() || url.len() > 2048 {
        return Err("the repository's address must have 1 to 2048 characters");
    }
    if url.chars().any(|c| c.is_control() || c == ' ') {
        return Err("the repository's address contains a space or control character");
    }
    if url.starts_with('/') {
        return Ok(Remote::Path);
    }
    if let Some((scheme, rest)) = url.split_once("://") {
        if rest.is_empty() || rest.starts_with(['-', '/']) {
            return Err("the repository's address names no host");
        }
        return match scheme {
            "https" | "http" => Ok(Remote::Http),
            "ssh" => Ok(Remote::Ssh),
            "git" => Ok(Remote::Git),
            _ => Err(
                "the repository's address must begin with https://, http://, ssh:// or git://, or be an absolute path",
            ),
        };
    }
    let scp = url.split_once(':').filter(|(host, path)| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._@".contains(c);
        !host.starts_with('-') && host.contains('@') && host.chars().all(plain) && !path.starts_with([':', '-'])
    });
    if scp.is_some() {
        return Ok(Remote::Ssh);
    }
    Err(
        "the repository's address must be a URL such as https://host/owner/name.git, user@host:path, or an absolute path",
    )
}

/// The address without a user name or password, for logs and errors.
#[must_use]
pub fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}{path}")
}

/// Whether a branch name can stand on git's command line.
#[must_use]
pub fn branch(name: &str) -> bool {
    let bad = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    !name.is_empty()
        && name.len() <= 250
        && !name.starts_with(['-', '/', '.'])
        && !name.ends_with(['/', '.'])
        && !name.contains("..")
        && !name.contains("@{")
        && !name.chars().any(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expect: Option<Remote>) {
        assert_eq!(parse(url).ok(), expect, "{url}");
    }

    #[test]
    fn known_forms_only() {
        check("https://github.com/a/b.git", Some(Remote::Http));
        check("http://127.0.0.1:3000/a/b", Some(Remote::Http));
        check("ssh://git@host/a", Some(Remote::Ssh));
        check("git@github.com:a/b.git", Some(Remote::Ssh));
        check("/srv/repos/a", Some(Remote::Path));
        check("ext::sh -c touch% /tmp/pwned", None);
        check("ext::sh", None);
        check("fd::17/foo", None);
        check("file:///etc", None);
        check("--upload-pack=touch", None);
        check("-oProxyCommand=x@host:path", None);
        check("ssh://-oProxyCommand=x/a", None);
        check("a@b::c", None);
        check("relative/path", None);
        check("https://", None);
        check("", None);
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(shown("https://user:secret@host:1/a@b"), "https://host:1/a@b");
        assert_eq!(shown("/srv/a"), "/srv/a");
    }

    #[test]
    fn branch_names() {
        for good in ["main", "feature/x-1", "v1.2", "ü"] {
            assert!(branch(good), "{good}");
        }
        for bad in ["", "-x", "a..b", "a b", "a:b", "x@{1}", "a/", ".a", "a\n"] {
            assert!(!branch(bad), "{bad}");
        }
    }
}
