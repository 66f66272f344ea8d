//! Where a workspace's files may come from: a git URL, or an absolute path on the node.
//!
//! What git itself would take is wider: options, and helpers (`ext::`) that run commands. Neither is let through, and
//! no credential is kept in a URL, where lists and logs would show it.

use crate::profile::{self, TextProblem};

/// Longest URL or path.
const CHARS_MAX: usize = 1_000;

/// Schemes that git can clone from without running anything of its own.
const SCHEMES: [&str; 4] = ["https", "http", "ssh", "git"];

/// Why it is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not even a line of text.
    #[error("{0}")]
    Text(#[source] TextProblem),
    /// It would be read as an option, or be cut in two.
    #[error("`{0}` begins with `-` or has a space in it")]
    Odd(String),
    /// Another scheme.
    #[error("`{0}` is not one of https, http, ssh, git, `user@host:path` and an absolute path")]
    Scheme(String),
    /// No host, or an odd one.
    #[error("`{0}` names no host")]
    Host(String),
    /// A user and password in the URL.
    #[error("the URL holds a credential: send it as `credential`, which is kept sealed")]
    Credential,
    /// `..` in a path.
    #[error("`{0}` leads upwards: give the path without `..`")]
    Upwards(String),
}

/// A place to clone from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// As given, tidied.
    pub url: String,
    /// For which credentials are asked: `https` or `http` and the host with its port; none for other kinds.
    pub asks: Option<(String, String)>,
}

/// Reads a URL or path.
///
/// # Errors
/// What is wrong with it.
pub fn read(text: &str) -> Result<Repository, Problem> {
    let url = profile::line(text, CHARS_MAX).map_err(Problem::Text)?;
    if url.starts_with('-') || url.contains(char::is_whitespace) || url.contains('\\') {
        return Err(Problem::Odd(url));
    }
    let local = |url: String| Repository { url, asks: None };
    if url.starts_with('/') {
        return if url.split('/').any(|part| part == "..") {
            Err(Problem::Upwards(url))
        } else {
            Ok(local(url))
        };
    }
    if let Some((scheme, rest)) = url.split_once("://") {
        let scheme = scheme.to_ascii_lowercase();
        if scheme == "file" {
            let upwards = rest.split('/').any(|part| part == "..");
            return match (rest.starts_with('/'), upwards) {
                (true, false) => Ok(local(url)),
                (true, true) => Err(Problem::Upwards(url)),
                (false, _) => Err(Problem::Host(url)),
            };
        }
        if !SCHEMES.contains(&scheme.as_str()) {
            return Err(Problem::Scheme(url));
        }
        return remote(&url, &scheme, rest);
    }
    scp_like(url)
}

fn remote(url: &str, scheme: &str, rest: &str) -> Result<Repository, Problem> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) = authority
        .rsplit_once('@')
        .map_or((None, authority), |(user, host)| (Some(user), host));
    // A user name belongs to SSH (`git@`); on HTTP even a name alone is a credential: tokens are given that way.
    if user.is_some_and(|user| user.contains(':') || scheme != "ssh" || user.starts_with('-')) {
        return Err(Problem::Credential);
    }
    if !is_host(host) || path.is_empty() {
        return Err(Problem::Host(url.to_owned()));
    }
    let web = matches!(scheme, "https" | "http");
    Ok(Repository {
        url: url.to_owned(),
        asks: web.then(|| (scheme.to_owned(), host.to_ascii_lowercase())),
    })
}

/// `user@host:path`, as `git clone` takes it for SSH.
fn scp_like(url: String) -> Result<Repository, Problem> {
    let Some((before, path)) = url.split_once(':') else {
        return Err(Problem::Scheme(url));
    };
    let (user, host) = before
        .rsplit_once('@')
        .map_or(("", before), |(user, host)| (user, host));
    // `ext::sh -c …`: a helper, which runs commands.
    if path.is_empty() || path.starts_with([':', '-']) || user.contains(':') {
        return Err(Problem::Scheme(url));
    }
    if !is_host(host) || host.contains(':') {
        return Err(Problem::Host(url));
    }
    Ok(Repository { url, asks: None })
}

/// A name or address, with or without a port.
fn is_host(host: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    !host.is_empty() && !host.starts_with(['-', '.', ':']) && host.chars().all(plain)
}

/// A name for a workspace of this repository: the last part of its path.
pub fn short_name(url: &str) -> String {
    let path = url.trim_end_matches('/').trim_end_matches(".git").trim_end_matches('/');
    let last = path.rsplit(['/', ':']).next().unwrap_or_default();
    let name: String = last.chars().take(super::NAME_CHARS_MAX).collect();
    if name.is_empty() { "workspace".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_can_be_cloned_from() {
        let check = |text: &str, asks: Option<(&str, &str)>| {
            let got = read(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            let asked = got.asks.as_ref().map(|(scheme, host)| (scheme.as_str(), host.as_str()));
            assert_eq!((got.url.as_str(), asked), (text.trim(), asks));
        };
        check("https://github.com/a/b.git", Some(("https", "github.com")));
        check(" http://localhost:3000/a/b ", Some(("http", "localhost:3000")));
        check("HTTPS://GitHub.com/a/b", Some(("https", "github.com")));
        check("https://[::1]:8080/a", Some(("https", "[::1]:8080")));
        check("ssh://git@github.com/a/b", None);
        check("git@github.com:a/b.git", None);
        check("github.com:a/b", None);
        check("git://git.example/x", None);
        check("/srv/git/project", None);
        check("file:///srv/git/project.git", None);
    }

    #[test]
    fn what_is_none() {
        let check = |text: &str, expect: &str| {
            let problem = read(text)
                .err()
                .unwrap_or_else(|| panic!("{text} is taken"))
                .to_string();
            assert!(problem.contains(expect), "{text}: {problem}");
        };
        check("", "empty");
        check("--upload-pack=touch /tmp/x", "begins with `-`");
        check("-oProxyCommand=x:y", "begins with `-`");
        check("ext::sh -c touch", "has a space");
        check("ext::sh", "not one of");
        check("a\nb", "");
        check("ftp://x/y", "not one of");
        check("repo", "not one of");
        check("relative/path", "not one of");
        check("https://user:secret@github.com/a/b", "credential");
        check("https://ghp_token@github.com/a/b", "credential");
        check("ssh://git:secret@github.com/a", "credential");
        check("ssh://-oProxyCommand=x@host/a", "credential");
        check("ssh://-oProxyCommand=x/a", "no host");
        check("https:///a/b", "no host");
        check("https://github.com", "no host");
        check("host:-path", "not one of");
        check("/srv/../etc", "upwards");
        check("file:///srv/../etc", "upwards");
        check("file://host/path", "no host");
        check("C:\\repo", "begins with `-` or");
    }

    #[test]
    fn short_names() {
        for (url, expect) in [
            ("https://github.com/a/project.git", "project"),
            ("git@github.com:project.git", "project"),
            ("/srv/git/project/", "project"),
            ("/", "workspace"),
        ] {
            assert_eq!(short_name(url), expect, "{url}");
        }
    }
}
