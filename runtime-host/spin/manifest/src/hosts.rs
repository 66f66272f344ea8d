//! `allowed_outbound_hosts`: where a component may connect.
//!
//! An entry is `scheme://host[:port]`, as in Spin:
//! - scheme: a word or `*`;
//! - host: a name, `*`, `*.domain` (any depth below it, not the domain itself), an IP address or a CIDR block, or
//!   `self` (relative requests of the application to itself);
//! - port: a number, `*`, or `a..b` (`b` is not part of the range); left out, it is the scheme's well-known port.
//!
//! `http://<component>.spin.internal` is an ordinary host here; the host program turns it into an internal call.

mod parse;

use std::net::IpAddr;

use ipnet::IpNet;

/// A parsed list of allowed hosts. The default allows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<AllowedHost>);

/// Why an entry is not an allowed host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{entry:?} is not an allowed host: {reason}")]
pub struct HostError {
    entry: String,
    reason: String,
}

impl HostError {
    pub(crate) fn new(entry: &str, reason: impl Into<String>) -> Self {
        Self {
            entry: entry.to_owned(),
            reason: reason.into(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct AllowedHost {
    /// `None` is any.
    scheme: Option<String>,
    host: HostPattern,
    ports: Ports,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    Any,
    Name(String),
    /// Holds `.domain`, so that `notdomain` does not match.
    Below(String),
    Block(IpNet),
    OwnApp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Ports {
    Any,
    One(u16),
    /// First to one past the last.
    Range(u16, u16),
}

impl AllowedHosts {
    /// Parses entries without templates.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Self, HostError> {
        entries
            .iter()
            .map(|entry| parse::allowed_host(entry.as_ref()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a connection may be opened. `port` is the real one: the caller fills in a scheme's default
    /// (see [`AllowedHosts::default_port`]). An IPv6 `host` may stand in brackets.
    pub fn allows(&self, scheme: &str, host: &str, port: u16) -> bool {
        let host = host.to_ascii_lowercase();
        let address = parse::bare_address(&host).parse::<IpAddr>().ok();
        self.0.iter().any(|allowed| {
            allowed.allows_scheme(scheme)
                && match &allowed.ports {
                    Ports::Any => true,
                    Ports::One(one) => *one == port,
                    Ports::Range(first, end) => (*first..*end).contains(&port),
                }
                && match &allowed.host {
                    HostPattern::Any => true,
                    HostPattern::Name(name) => *name == host,
                    HostPattern::Below(suffix) => host.ends_with(suffix),
                    HostPattern::Block(block) => address.is_some_and(|address| block.contains(&address)),
                    HostPattern::OwnApp => false,
                }
        })
    }

    /// Whether the component may call its own application by a relative URL (`self`).
    pub fn allows_self(&self, scheme: &str) -> bool {
        self.0.iter().any(|allowed| {
            allowed.allows_scheme(scheme) && matches!(allowed.host, HostPattern::Any | HostPattern::OwnApp)
        })
    }

    /// Whether nothing at all is allowed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The well-known port of a scheme, as Spin has it.
    pub fn default_port(scheme: &str) -> Option<u16> {
        match scheme {
            "http" => Some(80),
            "https" => Some(443),
            "mqtt" => Some(1883),
            "mysql" => Some(3306),
            "postgres" => Some(5432),
            "redis" => Some(6379),
            _ => None,
        }
    }
}

impl AllowedHost {
    fn allows_scheme(&self, scheme: &str) -> bool {
        self.scheme
            .as_deref()
            .is_none_or(|allowed| allowed.eq_ignore_ascii_case(scheme))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_allow_what_they_say() {
        for (entry, scheme, host, port, expect) in [
            ("https://api.hetzner.cloud", "https", "api.hetzner.cloud", 443, true),
            ("https://api.hetzner.cloud", "HTTPS", "API.hetzner.cloud", 443, true),
            ("https://api.hetzner.cloud/", "https", "api.hetzner.cloud", 443, true),
            ("https://api.hetzner.cloud", "https", "api.hetzner.cloud", 8443, false),
            ("https://api.hetzner.cloud", "http", "api.hetzner.cloud", 443, false),
            (
                "https://api.hetzner.cloud",
                "https",
                "evil-api.hetzner.cloud",
                443,
                false,
            ),
            (
                "https://api.hetzner.cloud:8443",
                "https",
                "api.hetzner.cloud",
                8443,
                true,
            ),
            ("*://example.com:9000", "redis", "example.com", 9000, true),
            ("https://*", "https", "anything.example", 443, true),
            ("https://*", "https", "anything.example", 444, false),
            ("https://*:*", "https", "anything.example", 444, true),
            ("*://*:*", "mqtt", "x", 1, true),
            ("https://*.example.com", "https", "a.example.com", 443, true),
            ("https://*.example.com", "https", "a.b.example.com", 443, true),
            ("https://*.example.com", "https", "example.com", 443, false),
            ("https://*.example.com", "https", "badexample.com", 443, false),
            ("http://localhost:3000..3010", "http", "localhost", 3000, true),
            ("http://localhost:3000..3010", "http", "localhost", 3009, true),
            ("http://localhost:3000..3010", "http", "localhost", 3010, false),
            ("http://10.0.0.0/8", "http", "10.1.2.3", 80, true),
            ("http://10.0.0.0/8", "http", "11.1.2.3", 80, false),
            ("http://10.0.0.0/8", "http", "10.example.com", 80, false),
            ("http://10.0.0.0/8:8000..9000", "http", "10.1.2.3", 8080, true),
            ("http://127.0.0.1:8080", "http", "127.0.0.1", 8080, true),
            ("http://[::1]:8080", "http", "[::1]", 8080, true),
            ("http://[::1]:8080", "http", "::1", 8080, true),
            ("http://[fd00::]/8", "http", "[fd12::7]", 80, true),
            ("http://[fd00::]/8", "http", "[fe12::7]", 80, false),
            ("http://ops.spin.internal", "http", "ops.spin.internal", 80, true),
            ("http://*.spin.internal", "http", "ops.spin.internal", 80, true),
            ("http://self", "http", "self", 80, false),
            ("mqtt://broker", "mqtt", "broker", 1883, true),
        ] {
            let hosts = AllowedHosts::parse(&[entry]).unwrap();
            assert_eq!(
                hosts.allows(scheme, host, port),
                expect,
                "{entry} on {scheme}://{host}:{port}"
            );
        }
        assert!(!AllowedHosts::default().allows("https", "example.com", 443));
    }

    #[test]
    fn own_app_needs_self_or_any() {
        for (entry, scheme, expect) in [
            ("http://self", "http", true),
            ("http://self", "https", false),
            ("*://self:*", "https", true),
            ("http://*", "http", true),
            ("http://localhost", "http", false),
        ] {
            assert_eq!(
                AllowedHosts::parse(&[entry]).unwrap().allows_self(scheme),
                expect,
                "{entry}"
            );
        }
    }

    #[test]
    fn bad_entries_say_why() {
        for (entry, expect) in [
            ("self", "it needs a scheme, such as `https://` or `*://`"),
            ("example.com", "it needs a scheme, such as `https://` or `*://`"),
            ("insecure:allow-all", "write `*://*:*` to allow everything"),
            ("*", "write `*://*:*` to allow everything"),
            ("h2://example.com", "scheme \"h2\" must be `*` or letters"),
            ("://example.com", "scheme \"\" must be `*` or letters"),
            ("https://example.com/path", "it has a path; a grant covers a whole host"),
            (
                "https://example.com:443/path",
                "it has a path; a grant covers a whole host",
            ),
            (
                "https://a.*.com",
                "`*` may only be the whole host or the first label (`*.domain`)",
            ),
            (
                "https://*.*.com",
                "`*` may only be the whole host or the first label (`*.domain`)",
            ),
            ("https://", "the host is missing"),
            ("https://:443", "the host is missing"),
            ("https://user@example.com", "user names do not belong in a grant"),
            (
                "ftp://example.com",
                "scheme \"ftp\" has no well-known port; write one, or `:*`",
            ),
            (
                "*://example.com",
                "scheme \"*\" has no well-known port; write one, or `:*`",
            ),
            (
                "http://example.com:http",
                "port \"http\" is not a number, `*` or a range `a..b`",
            ),
            (
                "http://example.com:70000",
                "port \"70000\" is not a number, `*` or a range `a..b`",
            ),
            (
                "http://example.com:9..1",
                "port range \"9..1\" is empty; the end is not part of it",
            ),
            ("http://[::1", "the `[` of an IPv6 address is not closed"),
            ("http://10.0.0.0/64", "\"10.0.0.0/64\" is not an address block"),
        ] {
            let error = AllowedHosts::parse(&[entry]).unwrap_err().to_string();
            assert_eq!(error, format!("{entry:?} is not an allowed host: {expect}"));
        }
    }
}
