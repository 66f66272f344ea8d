//! Recognises proxied hosts.

use http::header::{HOST, HeaderMap};

/// A proxied host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProxyHost {
    /// The first label of the host name, as the application knows it.
    pub(crate) label: String,
    /// The label without its port: what belongs together.
    pub(crate) name: String,
    /// The port, as it is written.
    pub(crate) port: Option<String>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No port: WebSockets by ticket.
    Sockets,
    /// With a port: a site.
    Site,
    /// Below the domain and of the prefix, but malformed.
    Unknown,
}

/// The proxied host in the `Host` header.
pub(crate) fn find(headers: &HeaderMap, prefix: &str, domain: &str) -> Option<ProxyHost> {
    find_name(headers.get(HOST)?.to_str().ok()?, prefix, domain)
}

/// The proxied host of that name, which may have a port.
pub(crate) fn find_name(host: &str, prefix: &str, domain: &str) -> Option<ProxyHost> {
    let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let label = name.strip_suffix(domain)?.strip_suffix('.')?;
    let rest = label.strip_prefix(prefix)?;
    let (stem, port) = match rest.split_once("--") {
        Some((stem, port)) => (stem, Some(port)),
        None => (rest, None),
    };
    let is_stem = !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let kind = match port {
        _ if !is_stem => Kind::Unknown,
        None => Kind::Sockets,
        Some(port) if is_port(port) => Kind::Site,
        Some(_) => Kind::Unknown,
    };
    Some(ProxyHost {
        label: label.to_owned(),
        name: stem.to_owned(),
        port: port.map(str::to_owned),
        kind,
    })
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_labels_directly_below_the_domain_with_the_prefix_are_proxied() {
        let cases = [
            ("ws-01ab.localhost:8787", Some(("ws-01ab", "01ab", Kind::Sockets))),
            ("WS-01AB.LOCALHOST", Some(("ws-01ab", "01ab", Kind::Sockets))),
            ("ws-01ab--3000.localhost.", Some(("ws-01ab--3000", "01ab", Kind::Site))),
            ("ws-01ab--0.localhost", Some(("ws-01ab--0", "01ab", Kind::Unknown))),
            ("ws-01ab--+80.localhost", Some(("ws-01ab--+80", "01ab", Kind::Unknown))),
            (
                "ws-01ab--70000.localhost",
                Some(("ws-01ab--70000", "01ab", Kind::Unknown)),
            ),
            ("ws-a.b.localhost", Some(("ws-a.b", "a.b", Kind::Unknown))),
            ("ws-.localhost", Some(("ws-", "", Kind::Unknown))),
            ("ws-01ab.example.org", None),
            ("ws-01ab.evillocalhost", None),
            ("other.localhost", None),
            ("localhost", None),
        ];
        for (host, expect) in cases {
            let found = find_name(host, "ws-", "localhost");
            let found = found
                .as_ref()
                .map(|found| (found.label.as_str(), found.name.as_str(), found.kind));
            assert_eq!(found, expect, "{host}");
        }
    }
}
