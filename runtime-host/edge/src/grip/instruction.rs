//! What a response tells the edge to hold, parsed from its `Grip-*` headers.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use std::time::Duration;
use thiserror::Error;

/// One hold waits for at most this many topics.
const TOPICS_MAX: usize = 32;
/// A long-poll is never held longer: proxies and clients give up soon after.
const TIMEOUT_MAX: Duration = Duration::from_secs(120);
/// A long-poll without `Grip-Timeout`.
const POLL_TIMEOUT: Duration = Duration::from_secs(25);
/// A stream without `Grip-Timeout` asks its link again so often, which is how a revoked session ends.
const STREAM_TIMEOUT: Duration = Duration::from_secs(60);
/// Idle streams say something so often, which is how both sides notice a dead connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Stream,
    Response,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeepAlive {
    pub(super) content: Bytes,
    pub(super) every: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    pub(super) mode: Mode,
    pub(super) topics: Vec<String>,
    pub(super) timeout: Duration,
    pub(super) link: Option<String>,
    pub(super) keep_alive: Option<KeepAlive>,
}

/// A hold that cannot be obeyed: a defect of the application, answered by 502 and a log line.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum InstructionError {
    #[error("Grip-Hold is {0:?}; it must be \"stream\" or \"response\"")]
    Hold(String),
    #[error("Grip-Channel names {0} topics; a hold needs 1 to {TOPICS_MAX}")]
    Topics(usize),
    #[error("Grip-Timeout is {0:?}; it must be whole seconds, at least 1")]
    Timeout(String),
    #[error("Grip-Keep-Alive is {0:?}; it must be `<bytes>; format=raw|cstring; timeout=<s>`")]
    KeepAlive(String),
    #[error("a stream hold needs `Grip-Link: <uri>; rel=next`")]
    NoLink,
}

/// `None` when the response asks for no hold.
pub(super) fn parse(headers: &HeaderMap) -> Result<Option<Instruction>, InstructionError> {
    let Some(hold) = text(headers, "grip-hold") else {
        return Ok(None);
    };
    let mode = match hold.trim() {
        "stream" => Mode::Stream,
        "response" => Mode::Response,
        other => return Err(InstructionError::Hold(other.to_owned())),
    };
    let topics: Vec<String> = list(headers, "grip-channel")
        .map(|(topic, _)| topic.to_owned())
        .collect();
    if topics.is_empty() || topics.len() > TOPICS_MAX {
        return Err(InstructionError::Topics(topics.len()));
    }
    let default_timeout = if mode == Mode::Stream {
        STREAM_TIMEOUT
    } else {
        POLL_TIMEOUT
    };
    let timeout = match text(headers, "grip-timeout") {
        None => default_timeout,
        Some(given) => seconds(given)
            .ok_or_else(|| InstructionError::Timeout(given.to_owned()))?
            .min(TIMEOUT_MAX),
    };
    let link = next_link(headers);
    if mode == Mode::Stream && link.is_none() {
        return Err(InstructionError::NoLink);
    }
    let keep_alive = match text(headers, "grip-keep-alive") {
        Some(given) => Some(keep_alive(given).ok_or_else(|| InstructionError::KeepAlive(given.to_owned()))?),
        None if is_event_stream(headers) => Some(KeepAlive {
            content: Bytes::from_static(b":\n\n"),
            every: KEEP_ALIVE,
        }),
        None => None,
    };
    Ok(Some(Instruction {
        mode,
        topics,
        timeout,
        link,
        keep_alive,
    }))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The items of a comma list with their parameters, over all headers of that name.
fn list<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = (&'h str, &'h str)> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(|item| item.split_once(';').unwrap_or((item, "")))
        .map(|(item, parameters)| (item.trim(), parameters))
        .filter(|(item, _)| !item.is_empty())
}

fn seconds(given: &str) -> Option<Duration> {
    given
        .trim()
        .parse()
        .ok()
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs)
}

fn next_link(headers: &HeaderMap) -> Option<String> {
    let is_next = |parameters: &str| {
        parameters.split(';').any(|one| {
            one.trim()
                .strip_prefix("rel=")
                .is_some_and(|rel| rel.trim_matches('"') == "next")
        })
    };
    // Not `list`: a comma may stand inside the angle brackets.
    let values = headers
        .get_all("grip-link")
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .filter_map(|value| value.trim().strip_prefix('<')?.split_once('>'))
        .find(|(_, parameters)| is_next(parameters))
        .map(|(uri, _)| uri.to_owned())
}

fn keep_alive(given: &str) -> Option<KeepAlive> {
    let mut parts = given.split("; ");
    let content = parts.next()?;
    let (mut is_cstring, mut every) = (false, KEEP_ALIVE);
    for part in parts {
        match part.trim().split_once('=')? {
            ("format", "raw") => is_cstring = false,
            ("format", "cstring") => is_cstring = true,
            ("timeout", given) => every = seconds(given)?,
            _ => return None,
        }
    }
    let content = if is_cstring {
        unescape(content)?
    } else {
        content.as_bytes().to_vec()
    };
    Some(KeepAlive {
        content: content.into(),
        every,
    })
}

/// `\n`, `\r`, `\t` and `\\`: all that a header cannot carry as it is.
fn unescape(given: &str) -> Option<Vec<u8>> {
    let mut bytes = given.bytes();
    let mut out = Vec::with_capacity(given.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'\\' => b'\\',
                _ => return None,
            },
            other => other,
        });
    }
    Some(out)
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    text(headers, CONTENT_TYPE.as_str()).is_some_and(|value| value.trim().starts_with("text/event-stream"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        map
    }

    #[test]
    fn a_full_stream_instruction_is_understood() {
        let parsed = parse(&headers(&[
            ("grip-hold", "stream"),
            ("grip-channel", "account:1; prev-id=3, user:2"),
            ("grip-channel", "all"),
            ("grip-timeout", "30"),
            ("grip-link", "</other>; rel=prev"),
            ("grip-link", "</api/events?after=5,6>; rel=\"next\""),
            ("grip-keep-alive", ":\\n\\n; format=cstring; timeout=7"),
        ]));
        let expect = Instruction {
            mode: Mode::Stream,
            topics: ["account:1", "user:2", "all"].map(str::to_owned).to_vec(),
            timeout: Duration::from_secs(30),
            link: Some("/api/events?after=5,6".to_owned()),
            keep_alive: Some(KeepAlive {
                content: Bytes::from_static(b":\n\n"),
                every: Duration::from_secs(7),
            }),
        };
        assert_eq!(parsed, Ok(Some(expect)));
    }

    #[test]
    fn what_is_left_out_has_a_sensible_default() {
        assert_eq!(parse(&headers(&[("grip-channel", "a")])), Ok(None));
        let link = ("grip-link", "</next>; rel=next");
        let stream = parse(&headers(&[("grip-hold", "stream"), ("grip-channel", "a"), link]))
            .unwrap()
            .unwrap();
        assert_eq!((stream.timeout, stream.keep_alive), (STREAM_TIMEOUT, None));
        let sse = ("content-type", "text/event-stream; charset=utf-8");
        let stream = parse(&headers(&[("grip-hold", "stream"), ("grip-channel", "a"), link, sse]))
            .unwrap()
            .unwrap();
        assert_eq!(
            stream.keep_alive,
            Some(KeepAlive {
                content: Bytes::from_static(b":\n\n"),
                every: KEEP_ALIVE
            })
        );
        let poll = parse(&headers(&[("grip-hold", "response"), ("grip-channel", "a")]))
            .unwrap()
            .unwrap();
        assert_eq!((poll.timeout, poll.link), (POLL_TIMEOUT, None));
        let long = [
            ("grip-hold", "response"),
            ("grip-channel", "a"),
            ("grip-timeout", "99999"),
        ];
        assert_eq!(parse(&headers(&long)).unwrap().unwrap().timeout, TIMEOUT_MAX);
    }

    #[test]
    fn mistakes_are_named() {
        let many = vec!["t"; TOPICS_MAX + 1].join(",");
        let cases: &[(&[(&str, &str)], InstructionError)] = &[
            (&[("grip-hold", "forever")], InstructionError::Hold("forever".into())),
            (&[("grip-hold", "response")], InstructionError::Topics(0)),
            (
                &[("grip-hold", "response"), ("grip-channel", &many)],
                InstructionError::Topics(TOPICS_MAX + 1),
            ),
            (
                &[("grip-hold", "response"), ("grip-channel", "a"), ("grip-timeout", "0")],
                InstructionError::Timeout("0".into()),
            ),
            (
                &[("grip-hold", "stream"), ("grip-channel", "a")],
                InstructionError::NoLink,
            ),
            (
                &[
                    ("grip-hold", "stream"),
                    ("grip-channel", "a"),
                    ("grip-link", "</a>; rel=prev"),
                ],
                InstructionError::NoLink,
            ),
            (
                &[
                    ("grip-hold", "response"),
                    ("grip-channel", "a"),
                    ("grip-keep-alive", "\\x; format=cstring"),
                ],
                InstructionError::KeepAlive("\\x; format=cstring".into()),
            ),
        ];
        for (given, expect) in cases {
            assert_eq!(parse(&headers(given)), Err(expect.clone()));
        }
    }
}
