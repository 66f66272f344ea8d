//! What crosses between a client and a proxied host: everything that is theirs and nothing that is ours.

use crate::hygiene::{self, Scheme};
use http::header::{
    ALT_SVC, AUTHORIZATION, CONNECTION, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    SEC_WEBSOCKET_PROTOCOL, SET_COOKIE, UPGRADE,
};
use std::net::SocketAddr;

/// A subprotocol that begins so is a ticket.
const TICKET_PREFIX: &str = "ticket.";
/// The cookie of a site's host. On HTTPS its prefix makes browsers refuse it from any other host.
const COOKIE_HTTP: &str = "sam_port";
const COOKIE_HTTPS: &str = "__Host-sam_port";
/// Cookies that begin so are ours.
const OUR_PREFIX: &[u8] = b"sam_";

/// What the other side should know about the client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    pub(super) scheme: Scheme,
    pub(super) address: Option<SocketAddr>,
}

/// The `Origin` header; one that is not text comes from no browser.
pub(super) fn origin(headers: &HeaderMap) -> Option<&str> {
    headers.get(ORIGIN).map(|value| value.to_str().unwrap_or("null"))
}

/// The name of the cookie of a site's host.
pub(super) fn cookie_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => COOKIE_HTTP,
        Scheme::Https => COOKIE_HTTPS,
    }
}

/// Takes the ticket out of the subprotocols. What is left is for the other side.
pub(super) fn take_ticket(headers: &mut HeaderMap) -> Option<String> {
    let offered: Vec<String> = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|protocol| protocol.trim().to_owned())
        .collect();
    let (tickets, rest): (Vec<String>, Vec<String>) = offered
        .into_iter()
        .partition(|protocol| protocol.starts_with(TICKET_PREFIX));
    headers.remove(SEC_WEBSOCKET_PROTOCOL);
    if let Ok(rest) = HeaderValue::try_from(rest.join(", "))
        && !rest.is_empty()
    {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, rest);
    }
    let ticket = tickets.first()?.strip_prefix(TICKET_PREFIX)?;
    (!ticket.is_empty()).then(|| ticket.to_owned())
}

/// Takes our cookies out, and returns the one of this host.
pub(super) fn take_cookies(headers: &mut HeaderMap, scheme: Scheme) -> Option<String> {
    let name = cookie_name(scheme);
    let (mut own, mut rest) = (None, Vec::new());
    for line in headers.get_all(COOKIE) {
        for pair in line.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
            let (key, value) = split_once(pair, b'=');
            if key == name.as_bytes() {
                own = own.or_else(|| std::str::from_utf8(value).ok().map(str::to_owned));
            } else if !is_ours(key) && !pair.is_empty() {
                rest.push(pair);
            }
        }
    }
    let rest = HeaderValue::from_bytes(&rest.join(&b"; "[..]));
    headers.remove(COOKIE);
    if let Ok(rest) = rest
        && !rest.is_empty()
    {
        headers.insert(COOKIE, rest);
    }
    own.filter(|value| !value.is_empty())
}

/// Nothing that proves who the client is goes to a host that has no use for it.
pub(super) fn forget_credentials(headers: &mut HeaderMap) {
    headers.remove(COOKIE);
    headers.remove(AUTHORIZATION);
}

/// Makes a client's request that of the other side of a tunnel.
pub(super) fn clean_request(headers: &mut HeaderMap, client: Client, wants_websocket: bool) {
    hygiene::clean_request(headers);
    if wants_websocket {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    let mut set = |name: &'static str, value: HeaderValue| headers.insert(HeaderName::from_static(name), value);
    let proto = match client.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    set("x-forwarded-proto", HeaderValue::from_static(proto));
    if let Some(address) = client.address
        && let Ok(value) = HeaderValue::try_from(address.ip().to_string())
    {
        set("x-forwarded-for", value);
    }
    if let Some(host) = headers.get(HOST).cloned() {
        headers.insert(HeaderName::from_static("x-forwarded-host"), host);
    }
}

/// Takes out of an answer what would speak with the edge's voice, or reach beyond its host.
pub(super) fn clean_response(headers: &mut HeaderMap) {
    // Hop-by-hop headers were handled where the answer was received: of a 101 they are the point.
    hygiene::remove_where(headers, |name| name.starts_with("x-sam-") || name.starts_with("grip-"));
    // The first would move the host elsewhere; the second would sign people out of the whole domain.
    headers.remove(ALT_SVC);
    headers.remove(HeaderName::from_static("clear-site-data"));
    let cookies: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().filter_map(own_cookie).collect();
    headers.remove(SET_COOKIE);
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie);
    }
}

/// A cookie of the host itself: without `Domain`, which would hand it to every other host, the application included.
fn own_cookie(line: &HeaderValue) -> Option<HeaderValue> {
    let parts = line.as_bytes().split(|byte| *byte == b';');
    let kept: Vec<&[u8]> = parts
        .enumerate()
        .filter(|(n, part)| *n == 0 || !split_once(part, b'=').0.trim_ascii().eq_ignore_ascii_case(b"domain"))
        .map(|(_, part)| part)
        .collect();
    let name = split_once(kept.first()?, b'=').0.trim_ascii();
    if is_ours(name) {
        return None;
    }
    HeaderValue::from_bytes(&kept.join(&b';')).ok()
}

fn is_ours(name: &[u8]) -> bool {
    let bare = name
        .strip_prefix(b"__Host-")
        .or_else(|| name.strip_prefix(b"__Secure-"));
    let bare = bare.unwrap_or(name);
    bare.get(..OUR_PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(OUR_PREFIX))
}

fn split_once(bytes: &[u8], mark: u8) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == mark) {
        Some(at) => (
            bytes.get(..at).unwrap_or_default(),
            bytes.get(at + 1..).unwrap_or_default(),
        ),
        None => (bytes, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        map
    }

    fn lines(headers: &HeaderMap) -> Vec<String> {
        let line = |(name, value): (&HeaderName, &HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
        let mut lines: Vec<String> = headers.iter().map(line).collect();
        lines.sort();
        lines
    }

    #[test]
    fn a_ticket_is_taken_out_of_the_subprotocols() {
        let cases: &[(&[&str], Option<&str>, Option<&str>)] = &[
            (&["sam.terminal.v1, ticket.abc"], Some("abc"), Some("sam.terminal.v1")),
            (&["ticket.abc", "a,b"], Some("abc"), Some("a, b")),
            (&["ticket.abc, ticket.def, a"], Some("abc"), Some("a")),
            (&["ticket."], None, None),
            (&["a"], None, Some("a")),
            (&[], None, None),
        ];
        for (offered, ticket, rest) in cases {
            let pairs: Vec<_> = offered.iter().map(|value| ("sec-websocket-protocol", *value)).collect();
            let mut map = headers(&pairs);
            assert_eq!(take_ticket(&mut map).as_deref(), *ticket, "{offered:?}");
            let left = map.get(SEC_WEBSOCKET_PROTOCOL).map(|value| value.to_str().unwrap());
            assert_eq!(left, *rest, "{offered:?}");
        }
    }

    #[test]
    fn our_cookies_stay_here() {
        type Case<'c> = (Scheme, &'c [&'c str], Option<&'c str>, Option<&'c str>);
        let cases: &[Case<'_>] = &[
            (Scheme::Http, &["a=1; sam_port=s; b=2"], Some("s"), Some("a=1; b=2")),
            (Scheme::Http, &["sam_session=x", "theme=dark"], None, Some("theme=dark")),
            (Scheme::Http, &["sam_port=one; sam_port=two"], Some("one"), None),
            (Scheme::Http, &["__Host-sam_port=s; __Host-sam_session=x"], None, None),
            (Scheme::Https, &["__Host-sam_port=s; sam_port=forged"], Some("s"), None),
            (
                Scheme::Https,
                &["sam_port=forged; SAM_session=y; __Secure-sam_x=1"],
                None,
                None,
            ),
            (Scheme::Http, &["flag; =odd; a=b=c"], None, Some("flag; =odd; a=b=c")),
            (Scheme::Http, &["sam_port="], None, None),
        ];
        for (scheme, sent, own, rest) in cases {
            let pairs: Vec<_> = sent.iter().map(|value| ("cookie", *value)).collect();
            let mut map = headers(&pairs);
            assert_eq!(take_cookies(&mut map, *scheme).as_deref(), *own, "{sent:?}");
            let left = map.get(COOKIE).map(|value| value.to_str().unwrap());
            assert_eq!(left, *rest, "{sent:?}");
        }
    }

    #[test]
    fn a_request_says_truly_where_it_comes_from() {
        let mut map = headers(&[
            ("host", "ws-1--80.localhost:8787"),
            ("connection", "keep-alive, x-hop"),
            ("x-hop", "1"),
            ("upgrade", "websocket"),
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-host", "evil.test"),
            ("x-sam-edge", "forged"),
            ("sec-websocket-key", "k"),
            ("authorization", "Bearer theirs"),
        ]);
        let client = Client {
            scheme: Scheme::Https,
            address: Some("[::1]:5".parse().unwrap()),
        };
        clean_request(&mut map, client, true);
        assert_eq!(
            lines(&map),
            [
                "authorization: Bearer theirs",
                "connection: upgrade",
                "host: ws-1--80.localhost:8787",
                "sec-websocket-key: k",
                "upgrade: websocket",
                "x-forwarded-for: ::1",
                "x-forwarded-host: ws-1--80.localhost:8787",
                "x-forwarded-proto: https",
            ]
        );
    }

    #[test]
    fn an_answer_reaches_no_other_host() {
        let mut map = headers(&[
            ("content-type", "text/html"),
            ("content-security-policy", "theirs"),
            ("x-frame-options", "DENY"),
            ("x-sam-forward", "n2"),
            ("grip-hold", "stream"),
            ("alt-svc", "h2=\"evil.test:443\""),
            ("clear-site-data", "\"cookies\""),
            ("set-cookie", "a=1; Domain=.example.org; Path=/; HttpOnly"),
            ("set-cookie", "b=domain=x; domain = example.org"),
            ("set-cookie", "c=3; Path=/domain=x"),
            ("set-cookie", "sam_port=forged; Path=/"),
            ("set-cookie", "__Host-sam_session=forged; Secure; Path=/"),
        ]);
        clean_response(&mut map);
        assert_eq!(
            lines(&map),
            [
                "content-security-policy: theirs",
                "content-type: text/html",
                "set-cookie: a=1; Path=/; HttpOnly",
                "set-cookie: b=domain=x",
                "set-cookie: c=3; Path=/domain=x",
                "x-frame-options: DENY",
            ]
        );
    }
}
