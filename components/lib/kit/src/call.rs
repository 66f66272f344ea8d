//! What a handler gets besides its principal.

use http::HeaderMap;
use sam_contract::ids::RequestId;

use crate::site::Site;

/// A request, parsed and past the guard.
#[derive(Debug, Clone)]
pub struct Call<I> {
    /// Path, query and body by type.
    pub input: I,
    /// When it arrived.
    pub now: i64,
    /// Its name in every log.
    pub request_id: RequestId,
    /// All headers.
    pub headers: HeaderMap,
    /// How the browser sees us.
    pub site: Site,
}

impl<I> Call<I> {
    /// A header as text, or "".
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// The address of the client, for rate limits of callers who are not signed in: what the edge says, else what Spin
/// says. Of several `spin-client-addr` the last one is Spin's own; the others came with the request.
pub fn client_address(headers: &HeaderMap) -> String {
    let last = |name| {
        headers
            .get_all(name)
            .iter()
            .next_back()
            .and_then(|value: &http::HeaderValue| value.to_str().ok())
    };
    let address = last("x-sam-client-addr")
        .or_else(|| last("spin-client-addr"))
        .unwrap_or("unknown");
    // Without the port, which a client chooses anew with each connection.
    match address.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() && (host.ends_with(']') || !host.contains(':')) => {
            host.to_owned()
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&'static str, &str)], expect: &str) {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        assert_eq!(client_address(&headers), expect, "{pairs:?}");
    }

    #[test]
    fn the_address_is_the_edges_or_spins_and_has_no_port() {
        check(&[], "unknown");
        check(
            &[("spin-client-addr", "6.6.6.6:1"), ("spin-client-addr", "10.0.0.1:4242")],
            "10.0.0.1",
        );
        check(
            &[("spin-client-addr", "10.0.0.1:4242"), ("x-sam-client-addr", "10.0.0.2")],
            "10.0.0.2",
        );
        check(&[("x-sam-client-addr", "[::1]:4242")], "[::1]");
        check(&[("x-sam-client-addr", "2001:db8::7")], "2001:db8::7");
    }
}
