//! Under which address the browser sees us, and what follows: the session cookie's name, and which Origin is ours.

use http::{HeaderMap, HeaderValue, Uri};
use sam_contract::settings;

use crate::error::ApiError;
use crate::settings as values;

/// The cookie on HTTPS. The prefix makes browsers insist on Secure, Path=/ and no Domain.
const COOKIE_HTTPS: &str = "__Host-sam_session";
/// The cookie on loopback, where there is no HTTPS.
const COOKIE_HTTP: &str = "sam_session";

/// How a browser reaches us in this request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The origin the operator configured; empty when none.
    public: String,
    /// Host and port of this request.
    authority: String,
    secure: bool,
    cookies_allowed: bool,
}

impl Site {
    /// Reads the settings and the request.
    ///
    /// # Errors
    /// When the settings cannot be read.
    pub async fn of(uri: &Uri, headers: &HeaderMap) -> Result<Self, ApiError> {
        let public = values::text(&settings::PUBLIC_URL).await?;
        let insecure_http = values::flag(&settings::INSECURE_HTTP).await?;
        Ok(Self::new(public.trim_end_matches('/'), insecure_http, uri, headers))
    }

    pub(crate) fn new(public: &str, insecure_http: bool, uri: &Uri, headers: &HeaderMap) -> Self {
        let host = headers.get(http::header::HOST).and_then(|value| value.to_str().ok());
        let authority = host
            .or_else(|| uri.authority().map(http::uri::Authority::as_str))
            .unwrap_or_default();
        let secure = public.starts_with("https://") || (public.is_empty() && uri.scheme_str() == Some("https"));
        Self {
            public: public.to_owned(),
            authority: authority.to_ascii_lowercase(),
            secure,
            cookies_allowed: secure || insecure_http || is_loopback(authority),
        }
    }

    /// Under which origin this request reached us, for links and commands: what the operator configured, else the
    /// request's own host. None when that host is no plain host name or address with a port: whoever sends it chooses
    /// the text, and links and commands are made of it.
    pub fn origin(&self) -> Option<String> {
        if !self.public.is_empty() {
            return Some(self.public.clone());
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        let scheme = if self.secure { "https" } else { "http" };
        let good = !self.authority.is_empty() && self.authority.chars().all(plain);
        good.then(|| format!("{scheme}://{}", self.authority))
    }

    /// Whether it is this machine that a browser means by that host, so that names below `localhost` work.
    pub fn is_loopback(&self) -> bool {
        is_loopback(
            self.origin()
                .as_deref()
                .and_then(|origin| origin.split_once("://"))
                .map_or("", |(_, host)| host),
        )
    }

    fn cookie_name(&self) -> &'static str {
        if self.secure { COOKIE_HTTPS } else { COOKIE_HTTP }
    }

    /// The session secret of this request, if it has a cookie that may be trusted here.
    pub fn session_secret<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        if !self.cookies_allowed {
            return None;
        }
        let pairs = headers
            .get_all(http::header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut pairs = pairs
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        pairs
            .find(|(name, _)| *name == self.cookie_name())
            .map(|(_, value)| value)
    }

    /// `set-cookie` that starts a session.
    ///
    /// # Errors
    /// On plain HTTP from anywhere but loopback, where the cookie could be read on its way.
    pub fn start_session(&self, secret: &str, max_age_s: i64) -> Result<HeaderValue, ApiError> {
        if !self.cookies_allowed {
            return Err(ApiError::forbidden(format!(
                "Signing in over plain HTTP works on this machine only, not at `{}`. Set `public_url` to an HTTPS \
                 address, or allow it with `--insecure-http`.",
                self.authority
            )));
        }
        self.set_cookie(secret, max_age_s)
    }

    /// `set-cookie` that ends the browser's session.
    ///
    /// # Errors
    /// Never in practice: the header is made of fixed text.
    pub fn end_session(&self) -> Result<HeaderValue, ApiError> {
        self.set_cookie("", 0)
    }

    fn set_cookie(&self, value: &str, max_age_s: i64) -> Result<HeaderValue, ApiError> {
        let secure = if self.secure { "; Secure" } else { "" };
        let name = self.cookie_name();
        let line = format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&line).map_err(|_| ApiError::internal("a session secret that does not fit a header"))
    }

    /// Whether a request that changes something comes from a page of ours. `credentialed` requests have to say so;
    /// others (no cookie, as from a script) need not, but must not say otherwise.
    pub fn is_own_page(&self, headers: &HeaderMap, credentialed: bool) -> bool {
        let text = |name| {
            headers
                .get(name)
                .map(|value: &HeaderValue| value.to_str().unwrap_or("?"))
        };
        if let Some(site) = text("sec-fetch-site") {
            return site == "same-origin";
        }
        match text("origin") {
            Some(origin) => self.is_own_origin(origin),
            None => !credentialed,
        }
    }

    fn is_own_origin(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        let own_host = origin.split_once("://").is_some_and(|(_, host)| host == self.authority);
        (!self.authority.is_empty() && own_host) || (!self.public.is_empty() && origin == self.public)
    }
}

fn is_loopback(authority: &str) -> bool {
    let host = authority.strip_prefix('[').map_or_else(
        || authority.split(':').next().unwrap_or_default(),
        |v6| v6.split(']').next().unwrap_or_default(),
    );
    let is_v4 = host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback());
    host == "localhost" || host.ends_with(".localhost") || host == "::1" || is_v4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    fn site(public: &str, host: &str) -> Site {
        Site::new(public, false, &Uri::from_static("/api"), &headers(&[("host", host)]))
    }

    #[test]
    fn origins() {
        let check = |public, host, credentialed, pairs: &[(&'static str, &str)], expect| {
            let got = site(public, host).is_own_page(&headers(pairs), credentialed);
            assert_eq!(got, expect, "{public} {host} {pairs:?}");
        };
        let local = "127.0.0.1:8787";
        check("", local, true, &[("origin", "http://127.0.0.1:8787")], true);
        check("", local, true, &[("origin", "http://evil.example")], false);
        check("", local, true, &[("origin", "null")], false);
        check("", local, true, &[("origin", "http://127.0.0.1:9999")], false);
        check("", local, true, &[], false);
        check("", local, false, &[], true);
        check("", local, false, &[("origin", "http://evil.example")], false);
        check("", local, true, &[("sec-fetch-site", "same-origin")], true);
        for other in ["same-site", "cross-site", "none"] {
            check(
                "",
                local,
                true,
                &[("sec-fetch-site", other), ("origin", "http://127.0.0.1:8787")],
                false,
            );
        }
        check(
            "https://sam.example",
            "10.0.0.7:80",
            true,
            &[("origin", "https://sam.example")],
            true,
        );
        check(
            "https://sam.example",
            "10.0.0.7:80",
            true,
            &[("origin", "https://sam.example.evil")],
            false,
        );
    }

    #[test]
    fn links_are_made_of_plain_hosts_only() {
        let check = |public, host, expect: Option<&str>| assert_eq!(site(public, host).origin().as_deref(), expect);
        check("", "127.0.0.1:8787", Some("http://127.0.0.1:8787"));
        check("", "[::1]:80", Some("http://[::1]:80"));
        check("https://sam.example", "anything'; rm", Some("https://sam.example"));
        for odd in ["", "x'y", "x y", "x/y", "x$(y)", "x;y", "user@x", "x`y`"] {
            check("", odd, None);
        }
    }

    #[test]
    fn cookies_fit_the_site() {
        let check = |public, host, expect: Option<&str>| {
            let got = site(public, host).start_session("s", 60).ok();
            assert_eq!(got.as_ref().map(|v| v.to_str().unwrap()), expect, "{public} {host}");
        };
        let plain = "sam_session=s; Path=/; Max-Age=60; HttpOnly; SameSite=Lax";
        for host in ["127.0.0.1:8787", "localhost", "[::1]:80", "sam.localhost:1"] {
            check("", host, Some(plain));
        }
        check("", "sam.example", None);
        check("", "127.0.0.1.evil.example", None);
        check("http://sam.example", "sam.example", None);
        let secure = "__Host-sam_session=s; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure";
        check("https://sam.example", "sam.example", Some(secure));
    }

    #[test]
    fn a_cookie_is_read_by_its_own_name_only() {
        let check = |public, host, cookie: &str, expect| {
            assert_eq!(
                site(public, host).session_secret(&headers(&[("cookie", cookie)])),
                expect,
                "{cookie}"
            );
        };
        check("", "localhost", "a=b; sam_session=x", Some("x"));
        check("", "localhost", "__Host-sam_session=x", None);
        check("https://a.example", "a.example", "sam_session=x", None);
        check(
            "https://a.example",
            "a.example",
            "sam_session=x; __Host-sam_session=y",
            Some("y"),
        );
        check("", "a.example", "sam_session=x", None);
    }
}
