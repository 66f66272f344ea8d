//! One route pattern: `/exact/path`, `/with/:parameter`, `/prefix/...`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A parsed route pattern. Slashes at the end mean nothing, as in Spin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutePattern {
    text: String,
    segments: Vec<Segment>,
    /// Ends in `/...`.
    open: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Exact(String),
    Parameter(String),
}

/// Why a text is not a route pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a route: {reason}")]
pub struct RoutePatternError {
    text: String,
    reason: &'static str,
}

/// What a path gave a pattern: the parameters, and the rest under `/...` (without slashes around it).
pub(crate) struct Capture<'a> {
    pub(crate) params: Vec<(&'a str, &'a str)>,
    pub(crate) rest: Option<&'a str>,
}

impl RoutePattern {
    /// The pattern as written in the manifest.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The pattern without a trailing `/...`.
    pub fn prefix(&self) -> &str {
        self.text.strip_suffix("/...").unwrap_or(&self.text)
    }

    /// Whether the pattern ends in `/...`.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Whether both patterns match the same paths; parameter names make no difference.
    pub fn is_same_route(&self, other: &Self) -> bool {
        self.open == other.open
            && self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(|pair| match pair {
                (Segment::Exact(a), Segment::Exact(b)) => a == b,
                (Segment::Parameter(_), Segment::Parameter(_)) => true,
                _ => false,
            })
    }

    /// Orders more specific patterns first: at the first segment where two patterns differ in kind, an exact segment
    /// comes before a parameter, and either before the end of the pattern, closed before open.
    ///
    /// Among patterns that match one path this order has no ties except between patterns of the same route, so the
    /// first match in it does not depend on the order of the manifest.
    pub(crate) fn compare_specificity(&self, other: &Self) -> Ordering {
        self.ranks().cmp(other.ranks())
    }

    fn ranks(&self) -> impl Iterator<Item = u8> {
        let segment_ranks = self.segments.iter().map(|segment| match segment {
            Segment::Exact(_) => 0,
            Segment::Parameter(_) => 1,
        });
        segment_ranks.chain([if self.open { 3 } else { 2 }])
    }

    /// Matches `path`, a URL path without its query.
    pub(crate) fn capture<'a>(&'a self, path: &'a str) -> Option<Capture<'a>> {
        let mut rest = path.trim_matches('/');
        let mut params = Vec::new();
        for segment in &self.segments {
            let (head, tail) = rest.split_once('/').unwrap_or((rest, ""));
            match segment {
                Segment::Exact(text) if text == head => {}
                Segment::Parameter(name) if !head.is_empty() => params.push((name.as_str(), head)),
                _ => return None,
            }
            rest = tail;
        }
        match self.open {
            true => Some(Capture {
                params,
                rest: Some(rest),
            }),
            false => rest.is_empty().then_some(Capture { params, rest: None }),
        }
    }
}

impl FromStr for RoutePattern {
    type Err = RoutePatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |reason| RoutePatternError {
            text: text.to_owned(),
            reason,
        };
        let Some(path) = text.strip_prefix('/') else {
            return Err(wrong("it must start with `/`"));
        };
        if text.contains(['?', '#']) || text.chars().any(char::is_whitespace) {
            return Err(wrong("it must be a path without query, fragment or white space"));
        }
        let (path, open) = match path.strip_suffix("...") {
            Some(prefix) if prefix.is_empty() || prefix.ends_with('/') => (prefix, true),
            _ => (path, false),
        };
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut segments: Vec<Segment> = Vec::new();
        for part in path.split('/').filter(|_| !path.is_empty()) {
            segments.push(match part.strip_prefix(':') {
                _ if part.is_empty() => return Err(wrong("it has an empty segment (`//`)")),
                _ if part.contains("...") => return Err(wrong("`...` must be the last segment")),
                _ if part.contains('*') => return Err(wrong("`*` is not supported; write `/...` at the end")),
                Some("") => return Err(wrong("a parameter needs a name (`:name`)")),
                Some(name) if name.contains([':', '.']) => {
                    return Err(wrong("a parameter is a whole segment (`/:name/`)"));
                }
                Some(name) if segments.contains(&Segment::Parameter(name.to_owned())) => {
                    return Err(wrong("it names a parameter twice"));
                }
                Some(name) => Segment::Parameter(name.to_owned()),
                None if part.contains(':') => return Err(wrong("a parameter is a whole segment (`/:name/`)")),
                None => Segment::Exact(part.to_owned()),
            });
        }
        Ok(Self {
            text: text.to_owned(),
            segments,
            open,
        })
    }
}

impl fmt::Display for RoutePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_patterns_say_why() {
        for (text, expect) in [
            ("", "it must start with `/`"),
            ("api", "it must start with `/`"),
            ("/a?b", "it must be a path without query, fragment or white space"),
            ("/a b", "it must be a path without query, fragment or white space"),
            ("/a//b", "it has an empty segment (`//`)"),
            ("/a/.../b", "`...` must be the last segment"),
            ("/a...", "`...` must be the last segment"),
            ("/a/*", "`*` is not supported; write `/...` at the end"),
            ("/:", "a parameter needs a name (`:name`)"),
            ("/a:b", "a parameter is a whole segment (`/:name/`)"),
            ("/:a.:b", "a parameter is a whole segment (`/:name/`)"),
            ("/:a/:a", "it names a parameter twice"),
        ] {
            let error = text.parse::<RoutePattern>().unwrap_err().to_string();
            assert_eq!(error, format!("{text:?} is not a route: {expect}"));
        }
    }

    #[test]
    fn same_route_ignores_parameter_names_and_trailing_slashes() {
        for (a, b, expect) in [
            ("/a/:id", "/a/:pid", true),
            ("/a/", "/a", true),
            ("/...", "/...", true),
            ("/a/...", "/a", false),
            ("/a/:id", "/a/id", false),
            ("/a/:id/...", "/a/:x/...", true),
        ] {
            let (a, b): (RoutePattern, RoutePattern) = (a.parse().unwrap(), b.parse().unwrap());
            assert_eq!(a.is_same_route(&b), expect, "{a} and {b}");
        }
    }
}
