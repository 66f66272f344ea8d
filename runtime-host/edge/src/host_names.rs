//! Which `Host` names a listener answers to.
//!
//! A page on the open web may point its own name at 127.0.0.1 and then talk to a loopback service as if it were the same
//! origin (DNS rebinding). The name in `Host` is what gives it away, so a loopback listener accepts only loopback names
//! and the name of its public URL.

use http::HeaderMap;
use http::header::HOST;
use http::uri::Authority;
use thiserror::Error;

/// The accepted names of a listener, without ports.
#[derive(Clone, Debug, Default)]
pub struct HostNames {
    any: bool,
    loopback: bool,
    names: Vec<String>,
}

/// Why a request's `Host` is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HostRefusal {
    /// Missing, repeated or not a host with an optional port: status 400.
    #[error("the Host header must be exactly one host name with an optional port")]
    Malformed,
    /// A well-formed name that this listener does not serve: status 421.
    #[error("this server does not answer to the host name {0:?}; use the address it printed at start")]
    NotServed(String),
}

impl HostNames {
    /// Every well-formed name.
    #[must_use]
    pub fn any() -> Self {
        Self {
            any: true,
            ..Self::default()
        }
    }

    /// `localhost`, `*.localhost`, `127.0.0.1` and `[::1]`.
    #[must_use]
    pub fn loopback() -> Self {
        Self {
            loopback: true,
            ..Self::default()
        }
    }

    /// Accepts one name more; `*.example.org` accepts every name below `example.org`.
    #[must_use]
    pub fn and(mut self, name: &str) -> Self {
        self.names.push(name.to_ascii_lowercase());
        self
    }

    /// Checks the `Host` header of a request, and the authority of its target if it came in absolute form.
    ///
    /// # Errors
    /// When the header is missing, repeated, malformed, contradicts the target, or names a host not served here.
    pub fn check(&self, headers: &HeaderMap, target: Option<&Authority>) -> Result<(), HostRefusal> {
        let mut values = headers.get_all(HOST).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(HostRefusal::Malformed);
        };
        let text = value.to_str().map_err(|_| HostRefusal::Malformed)?;
        let authority: Authority = text.parse().map_err(|_| HostRefusal::Malformed)?;
        let contradicts = target.is_some_and(|target| !target.as_str().eq_ignore_ascii_case(text));
        // What follows the name is nothing or a port; `Authority` alone lets more pass, such as a user name.
        let port = text.strip_prefix(authority.host()).ok_or(HostRefusal::Malformed)?;
        let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
        if authority.host().is_empty() || contradicts || !is_port {
            return Err(HostRefusal::Malformed);
        }
        let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
        if self.accepts(&name) {
            Ok(())
        } else {
            Err(HostRefusal::NotServed(name))
        }
    }

    fn accepts(&self, name: &str) -> bool {
        let is_loopback = || matches!(name, "localhost" | "127.0.0.1" | "[::1]") || name.ends_with(".localhost");
        let listed = |accepted: &String| match accepted.strip_prefix('*') {
            Some(suffix) => name.len() > suffix.len() && name.ends_with(suffix),
            None => name == accepted,
        };
        self.any || (self.loopback && is_loopback()) || self.names.iter().any(listed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_listener_answers_only_to_its_own_names() {
        let names = HostNames::loopback().and("sam.example.org").and("*.ws.example.org");
        let not_served = |name: &str| Err(HostRefusal::NotServed(name.to_owned()));
        let cases = [
            ("localhost", Ok(())),
            ("LOCALHOST:8787", Ok(())),
            ("localhost.", Ok(())),
            ("ws-1.localhost:8787", Ok(())),
            ("127.0.0.1:8787", Ok(())),
            ("[::1]:8787", Ok(())),
            ("sam.example.org", Ok(())),
            ("a.ws.example.org", Ok(())),
            ("ws.example.org", not_served("ws.example.org")),
            ("evil.example.net:8787", not_served("evil.example.net")),
            ("notlocalhost", not_served("notlocalhost")),
            ("127.0.0.1.evil.net", not_served("127.0.0.1.evil.net")),
            ("user@localhost", Err(HostRefusal::Malformed)),
            ("localhost:", Err(HostRefusal::Malformed)),
            ("localhost:99999", Err(HostRefusal::Malformed)),
            ("local host", Err(HostRefusal::Malformed)),
            ("", Err(HostRefusal::Malformed)),
        ];
        for (host, expect) in cases {
            let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
            assert_eq!(names.check(&headers, None), expect, "Host: {host}");
        }
    }

    #[test]
    fn missing_repeated_and_contradicting_hosts_are_malformed() {
        let names = HostNames::any();
        assert_eq!(names.check(&HeaderMap::new(), None), Err(HostRefusal::Malformed));
        let mut twice = HeaderMap::from_iter([(HOST, "a.test".parse().unwrap())]);
        let target: Authority = "b.test".parse().unwrap();
        assert_eq!(names.check(&twice, Some(&target)), Err(HostRefusal::Malformed));
        assert_eq!(names.check(&twice, Some(&"a.test".parse().unwrap())), Ok(()));
        twice.append(HOST, "b.test".parse().unwrap());
        assert_eq!(names.check(&twice, None), Err(HostRefusal::Malformed));
    }
}
