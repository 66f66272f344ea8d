//! What no header may carry across the edge, and what every response must carry.
//!
//! `x-sam-*` and `spin-*` are the host's own words: a client that sends them would speak with the host's voice, and a
//! response that leaks them would tell clients about queues and topics. Hop-by-hop headers end here by RFC 9110 §7.6.1.

use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HOST, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, X_CONTENT_TYPE_OPTIONS,
};

/// The request id given by the edge to every request and response.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Marks a request that came through an edge: the application may answer with GRIP holds. Clients cannot send it.
pub(crate) const X_SAM_EDGE: HeaderName = HeaderName::from_static("x-sam-edge");

/// How clients reach this server: decides about headers that make sense on HTTPS only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP.
    #[default]
    Http,
    /// HTTPS, ended here or by a proxy in front.
    Https,
}

/// Removes from a request all that a client must not say to the application.
pub(crate) fn clean_request(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    remove_where(headers, |name| {
        name.starts_with("x-sam-")
            || name.starts_with("spin-")
            || name.starts_with("grip-")
            || name.starts_with("x-forwarded-")
            || matches!(name, "x-request-id" | "forwarded" | "x-real-ip")
    });
}

/// Removes from a response all that is meant for the edge, and adds what every response must carry.
pub(crate) fn finish_response(headers: &mut HeaderMap, request_id: &HeaderValue, scheme: Scheme) {
    remove_hop_by_hop(headers);
    remove_where(headers, |name| name.starts_with("x-sam-") || name.starts_with("grip-"));
    headers.insert(X_REQUEST_ID, request_id.clone());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .entry(REFERRER_POLICY)
        .or_insert(HeaderValue::from_static("same-origin"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("frame-ancestors 'none'"));
    if scheme == Scheme::Https {
        headers
            .entry(STRICT_TRANSPORT_SECURITY)
            .or_insert(HeaderValue::from_static("max-age=31536000"));
    } else {
        headers.remove(STRICT_TRANSPORT_SECURITY);
    }
}

/// Stands in a content security policy for the hosts that the edge serves beside the application, whose names only the
/// edge knows. Without an edge it allows a scheme that does not exist.
const PROXIED: &str = "proxied:";

/// Puts `sources` into the policy where the application left room for them.
pub(crate) fn fill_policy(headers: &mut HeaderMap, sources: &str) {
    let Some(policy) = headers
        .get(CONTENT_SECURITY_POLICY)
        .and_then(|policy| policy.to_str().ok())
    else {
        return;
    };
    if policy.contains(PROXIED)
        && let Ok(filled) = HeaderValue::try_from(policy.replace(PROXIED, sources))
    {
        headers.insert(CONTENT_SECURITY_POLICY, filled);
    }
}

/// Whether a request asks for another protocol that must be refused aloud. `h2c` is an offer, not a demand, and ignored.
pub(crate) fn demands_upgrade(headers: &HeaderMap) -> bool {
    headers
        .get_all(UPGRADE)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"h2c"))
}

pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let listed: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        // Naming these two in `Connection` is nonsense that could only be meant to confuse framing or routing.
        .filter(|name| *name != HOST && *name != CONTENT_LENGTH)
        .collect();
    for name in listed {
        headers.remove(name);
    }
    for name in [CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
    for name in [
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
    ] {
        headers.remove(name);
    }
}

pub(crate) fn remove_where(headers: &mut HeaderMap, unwanted: impl Fn(&str) -> bool) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name.as_str())).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(n, v)| (n.parse::<HeaderName>().unwrap(), v.parse::<HeaderValue>().unwrap()))
            .collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn requests_lose_what_clients_must_not_say() {
        type Case<'c> = (&'c [(&'c str, &'c str)], &'c [&'c str]);
        let cases: &[Case<'_>] = &[
            (&[("host", "a"), ("x-sam-wake", "t"), ("X-Sam-Edge", "1")], &["host"]),
            (
                &[
                    ("spin-client-addr", "1.2.3.4"),
                    ("spin-path-match-id", "x"),
                    ("accept", "a"),
                ],
                &["accept"],
            ),
            (&[("x-request-id", "mine"), ("cookie", "a=b")], &["cookie"]),
            (
                &[("x-forwarded-for", "1"), ("forwarded", "for=1"), ("x-real-ip", "1")],
                &[],
            ),
            (
                &[
                    ("connection", "close, X-Evil"),
                    ("x-evil", "1"),
                    ("te", "trailers"),
                    ("keep-alive", "5"),
                ],
                &[],
            ),
            (
                &[
                    ("connection", "host, content-length"),
                    ("host", "a"),
                    ("content-length", "3"),
                ],
                &["content-length", "host"],
            ),
            (
                &[("authorization", "Bearer x"), ("x-samuel", "stays")],
                &["authorization", "x-samuel"],
            ),
            (&[("grip-hold", "stream")], &[]),
        ];
        for (given, expect) in cases {
            let mut map = headers(given);
            clean_request(&mut map);
            assert_eq!(names(&map), *expect, "{given:?}");
        }
    }

    #[test]
    fn responses_lose_the_hosts_words_and_gain_the_required_ones() {
        let id = HeaderValue::from_static("01J");
        let mut map = headers(&[
            ("x-sam-wake", "work:audit"),
            ("grip-hold", "stream"),
            ("grip-channel", "t"),
            ("connection", "close"),
            ("x-request-id", "from-guest"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'self'"),
            ("strict-transport-security", "max-age=1"),
        ]);
        finish_response(&mut map, &id, Scheme::Http);
        assert_eq!(
            names(&map),
            [
                "content-security-policy",
                "referrer-policy",
                "x-content-type-options",
                "x-request-id"
            ]
        );
        assert_eq!(map[X_REQUEST_ID], "01J");
        assert_eq!(map[REFERRER_POLICY], "no-referrer");
        assert_eq!(map[CONTENT_SECURITY_POLICY], "default-src 'self'");

        let mut bare = HeaderMap::new();
        finish_response(&mut bare, &id, Scheme::Https);
        assert_eq!(bare[CONTENT_SECURITY_POLICY], "frame-ancestors 'none'");
        assert_eq!(bare[STRICT_TRANSPORT_SECURITY], "max-age=31536000");
    }

    #[test]
    fn a_policy_names_the_proxied_hosts_where_it_left_room() {
        let policy = "connect-src 'self' proxied:; form-action proxied:; img-src 'self'";
        for (sources, expect) in [
            (
                "ws://*.test",
                "connect-src 'self' ws://*.test; form-action ws://*.test; img-src 'self'",
            ),
            ("", "connect-src 'self' ; form-action ; img-src 'self'"),
        ] {
            let mut map = headers(&[("content-security-policy", policy)]);
            fill_policy(&mut map, sources);
            assert_eq!(map[CONTENT_SECURITY_POLICY], expect);
        }
    }

    #[test]
    fn only_real_demands_for_another_protocol_are_refused() {
        assert!(demands_upgrade(&headers(&[("upgrade", "websocket")])));
        assert!(!demands_upgrade(&headers(&[("upgrade", "h2c")])));
        assert!(!demands_upgrade(&HeaderMap::new()));
    }
}
