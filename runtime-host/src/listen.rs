//! Addresses: where the host listens, and under which names and origin it is reached.

use anyhow::{Context, Result, bail};
use sam_edge::{HostNames, Scheme};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::{TcpListener, lookup_host};
use url::Url;

/// The address in browsers' address bars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    /// Scheme, host and port, without a slash at the end.
    pub origin: String,
    /// Whether browsers use HTTPS.
    pub is_https: bool,
    host: String,
}

impl PublicUrl {
    /// The URL an operator gave, or that of the listener.
    ///
    /// # Errors
    /// When the given URL is not an origin.
    pub fn new(given: Option<&str>, listener: SocketAddr) -> Result<Self> {
        let text = match given {
            Some(given) => given.to_owned(),
            // Nobody can type an unspecified address into a browser; on this machine loopback means the same.
            None if listener.ip().is_unspecified() => format!("http://{}:{}", Ipv4Addr::LOCALHOST, listener.port()),
            None => format!("http://{listener}"),
        };
        let url = Url::parse(&text).with_context(|| format!("--public-url {text:?} is not a URL"))?;
        let is_origin =
            url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        let host = url
            .host_str()
            .filter(|_| is_origin && matches!(url.scheme(), "http" | "https"));
        let Some(host) = host else {
            bail!("--public-url {text:?} must be http:// or https:// with a host, an optional port and nothing more");
        };
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            is_https: url.scheme() == "https",
            host: host.to_owned(),
        })
    }

    /// For the edge's headers.
    pub fn scheme(&self) -> Scheme {
        if self.is_https { Scheme::Https } else { Scheme::Http }
    }
}

/// Binds a listener that anybody may reach only if `insecure_http` says so.
///
/// # Errors
/// When the address is malformed, in use, or open to others without consent.
pub async fn bind(listen: &str, insecure_http: bool) -> Result<TcpListener> {
    let addresses: Vec<SocketAddr> = lookup_host(listen)
        .await
        .with_context(|| format!("--listen {listen:?} is not ADDRESS:PORT"))?
        .collect();
    if let Some(open) = addresses
        .iter()
        .find(|address| !address.ip().is_loopback())
        .filter(|_| !insecure_http)
    {
        bail!(
            "--listen {listen} can be reached by others ({}), and plain HTTP lets them read passwords and sessions. \
             Listen on 127.0.0.1 behind a proxy with HTTPS, or accept the risk with --insecure-http",
            open.ip()
        );
    }
    let bound = TcpListener::bind(addresses.as_slice()).await;
    bound.with_context(|| {
        format!("{listen} cannot be listened on; is another sam-host running? --listen takes another address")
    })
}

/// Which `Host` names the public listener answers to.
pub fn host_names(listener: IpAddr, public: &PublicUrl, given: &[String]) -> HostNames {
    let is_open = !listener.is_loopback() && given.is_empty() && !public.is_https;
    if is_open {
        // Reached by any name and address of this machine, as its operator asked for with --insecure-http.
        return HostNames::any();
    }
    given
        .iter()
        .fold(HostNames::loopback().and(&public.host), |names, name| names.and(name))
}

/// Origins whose pages may use the object store: the app's own, under every name that it has on this machine.
pub fn origins(listener: SocketAddr, public: &PublicUrl) -> Vec<String> {
    let mut origins = vec![public.origin.clone()];
    if listener.ip().is_loopback() {
        origins.extend(["127.0.0.1", "localhost"].map(|name| format!("http://{name}:{}", listener.port())));
    }
    origins.dedup();
    origins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_url_is_an_origin() {
        let listener: SocketAddr = "127.0.0.1:8787".parse().unwrap();
        let cases = [
            (None, Some("http://127.0.0.1:8787")),
            (Some("https://sam.example.org"), Some("https://sam.example.org")),
            (Some("https://sam.example.org/"), Some("https://sam.example.org")),
            (Some("https://SAM.example.org:443"), Some("https://sam.example.org")),
            (Some("https://sam.example.org/path"), None),
            (Some("https://user@sam.example.org"), None),
            (Some("sam.example.org"), None),
            (Some("ftp://sam.example.org"), None),
        ];
        for (given, expect) in cases {
            let origin = PublicUrl::new(given, listener).ok().map(|url| url.origin);
            assert_eq!(origin.as_deref(), expect, "{given:?}");
        }
        let anywhere = PublicUrl::new(None, "0.0.0.0:80".parse().unwrap()).unwrap();
        assert_eq!(anywhere.origin, "http://127.0.0.1");
    }

    #[tokio::test]
    async fn only_loopback_is_bound_without_consent() {
        for (listen, insecure, expect) in [
            ("127.0.0.1:0", false, true),
            ("localhost:0", false, true),
            ("0.0.0.0:0", false, false),
            ("0.0.0.0:0", true, true),
            ("nonsense", true, false),
        ] {
            assert_eq!(bind(listen, insecure).await.is_ok(), expect, "{listen} {insecure}");
        }
        let taken = bind("127.0.0.1:0", false).await.unwrap();
        let refused = bind(&taken.local_addr().unwrap().to_string(), false).await.unwrap_err();
        assert!(refused.to_string().contains("--listen takes another"), "{refused}");
    }
}
