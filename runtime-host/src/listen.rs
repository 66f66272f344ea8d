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
    /// With a colon before it, where it is not the scheme's own.
    port: String,
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
            port: url.port().map(|port| format!(":{port}")).unwrap_or_default(),
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

/// The domain below which workspaces have their hosts, with a port where browsers need one.
pub fn workspace_domain(given: Option<&str>, public: &PublicUrl) -> String {
    if let Some(given) = given {
        return given.trim_start_matches('.').to_ascii_lowercase();
    }
    let is_loopback = public.host == "localhost"
        || public
            .host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    // Browsers take every name below `localhost` to this machine; an address has no names below it.
    let host = if is_loopback { "localhost" } else { &public.host };
    format!("{host}{}", public.port)
}

/// Where this machine's own agent finds the control plane.
pub fn local_url(listener: SocketAddr, public: &PublicUrl) -> String {
    match listener.ip() {
        ip if ip.is_loopback() => format!("http://{listener}"),
        ip if ip.is_unspecified() => format!("http://{}:{}", Ipv4Addr::LOCALHOST, listener.port()),
        _ => public.origin.clone(),
    }
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

    #[test]
    fn workspaces_have_hosts_below_the_public_name() {
        let listener: SocketAddr = "127.0.0.1:8787".parse().unwrap();
        let cases = [
            (None, None, "localhost:8787"),
            (None, Some("http://localhost"), "localhost"),
            (None, Some("http://[::1]:8080"), "localhost:8080"),
            (None, Some("https://sam.example.org"), "sam.example.org"),
            (None, Some("https://sam.example.org:8443"), "sam.example.org:8443"),
            (
                Some(".Work.example.net"),
                Some("https://sam.example.org"),
                "work.example.net",
            ),
        ];
        for (given, public, expect) in cases {
            let public = PublicUrl::new(public, listener).unwrap();
            assert_eq!(workspace_domain(given, &public), expect);
        }
    }

    #[test]
    fn the_local_agent_needs_no_proxy_in_front() {
        for (listener, expect) in [
            ("127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("10.0.0.7:80", "https://sam.example.org"),
        ] {
            let listener: SocketAddr = listener.parse().unwrap();
            let public = PublicUrl::new(Some("https://sam.example.org"), listener).unwrap();
            assert_eq!(local_url(listener, &public), expect);
        }
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
