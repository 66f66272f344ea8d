//! Hosts below one domain whose content is not the application's: each request is admitted by the application, then goes
//! through a tunnel, HTTP and WebSocket alike.
//!
//! | host | what it serves | what a client shows |
//! |---|---|---|
//! | `<prefix><name>.DOMAIN` | WebSockets, for pages of the application's own origin | a one-time ticket among the subprotocols |
//! | `<prefix><name>--<port>.DOMAIN` | a site: any method, path and WebSocket | a cookie, got by POSTing a ticket to [`ENTER_PATH`] |
//!
//! These hosts are separate origins on purpose: what they serve may be hostile to the application. So the application's
//! cookies and headers never reach them, and cookies and headers that would reach beyond their host are taken away. Apart
//! from that an answer is passed on as it is.

mod admissions;
mod enter;
mod headers;
mod host;
mod pages;
mod relay;

use crate::Body;
use crate::answer::error_answer;
use crate::foreign::Foreign;
use crate::gate::{AdmitError, Ask, Credential, Pass, SharedGate};
use crate::hygiene::{self, Scheme};
use crate::metrics::Metrics;
use crate::tunnel::Tunnels;
use admissions::Admissions;
use headers::Client;
use http::header::{HeaderValue, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use relay::{Relay, RelayError};
use sam_tunnel::handshake;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tracing::debug;

pub use enter::ENTER_PATH;
pub(crate) use host::{Kind, ProxyHost};

/// Which hosts are proxied, and for whom.
#[derive(Clone, Debug)]
pub struct ProxyConfig {
    /// Names of proxied hosts begin with it, such as `ws-`.
    pub prefix: String,
    /// They are directly below it: a host name, with the port that browsers use if it is not the scheme's own.
    pub domain: String,
    /// Origins of the application's own pages, the first being the one to send people to.
    pub origins: Vec<String>,
    /// Who decides.
    pub gate: SharedGate,
    /// Connections that were switched to another protocol, at once.
    pub upgrades_max: usize,
}

impl ProxyConfig {
    /// Hosts `<prefix>*.<domain>` beside an application at `origins`.
    #[must_use]
    pub fn new(prefix: &str, domain: &str, origins: Vec<String>, gate: SharedGate) -> Self {
        Self {
            prefix: prefix.to_owned(),
            domain: domain.to_ascii_lowercase(),
            origins,
            gate,
            upgrades_max: 10_000,
        }
    }
}

/// Serves the proxied hosts.
#[derive(Debug)]
pub(crate) struct Proxy {
    config: ProxyConfig,
    scheme: Scheme,
    admissions: Admissions,
    relay: Relay,
    metrics: Arc<Metrics>,
}

impl Proxy {
    pub(crate) fn new(
        config: ProxyConfig,
        scheme: Scheme,
        tunnels: Tunnels,
        metrics: Arc<Metrics>,
        shutdown: CancellationToken,
    ) -> Self {
        let admissions = Admissions::new(config.gate.clone(), Arc::clone(&metrics), admissions::REMEMBERED);
        let relay = Relay::new(tunnels, config.upgrades_max, Arc::clone(&metrics), shutdown);
        Self {
            config,
            scheme,
            admissions,
            relay,
            metrics,
        }
    }

    /// The proxied host that a request is for, if it is for one. The `Host` header must have been checked.
    pub(crate) fn host(&self, request: &Request<Body>) -> Option<ProxyHost> {
        host::find(request.headers(), &self.config.prefix, self.domain_name())
    }

    /// What a page of the application must be allowed to reach, in the words of a content security policy.
    pub(crate) fn policy_sources(&self) -> String {
        let domain = &self.config.domain;
        match self.scheme {
            Scheme::Http => format!("http://*.{domain} ws://*.{domain}"),
            Scheme::Https => format!("https://*.{domain} wss://*.{domain}"),
        }
    }

    /// The domain without its port: behind another server the two may differ.
    fn domain_name(&self) -> &str {
        self.config
            .domain
            .split_once(':')
            .map_or(self.config.domain.as_str(), |(name, _port)| name)
    }

    pub(crate) async fn handle(
        &self,
        host: ProxyHost,
        request: Request<Body>,
        address: Option<SocketAddr>,
    ) -> Response<Body> {
        let mut response = match host.kind {
            Kind::Sockets => self.socket(&host, request, address).await,
            Kind::Site if request.uri().path() == ENTER_PATH => self.enter(&host, request).await,
            Kind::Site => self.site(&host, request, address).await,
            Kind::Unknown => pages::nothing_here(&request),
        };
        if response.extensions().get::<Foreign>().is_none() {
            response.extensions_mut().insert(Foreign::proxied(None));
        }
        response
    }

    async fn socket(
        &self,
        host: &ProxyHost,
        mut request: Request<Body>,
        address: Option<SocketAddr>,
    ) -> Response<Body> {
        if !handshake::is_wanted(request.headers()) {
            return pages::nothing_here(&request);
        }
        if !headers::origin(request.headers()).is_some_and(|origin| self.is_own_origin(origin)) {
            return self.refuse("Only pages of the application may open this.");
        }
        let Some(ticket) = headers::take_ticket(request.headers_mut()) else {
            self.metrics.admitted("refused");
            let message = "A ticket is needed among the subprotocols.";
            return error_answer(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message);
        };
        let ask = Ask {
            label: host.label.clone(),
            path: request.uri().path().to_owned(),
            credential: Credential::Ticket(ticket),
        };
        let pass = match self.admissions.admit(ask).await {
            Ok(pass) => pass,
            Err(AdmitError::Refused) => {
                let message = "The ticket is used up or out of date.";
                return error_answer(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message);
            }
            Err(AdmitError::Unavailable) => return unavailable(),
        };
        headers::forget_credentials(request.headers_mut());
        let target = pass.target.clone();
        self.pass(host, request, address, &pass, &target).await
    }

    async fn site(&self, host: &ProxyHost, mut request: Request<Body>, address: Option<SocketAddr>) -> Response<Body> {
        if !self.may_come_from_here(host, &request) {
            return self.refuse("Pages of other sites may not talk to this one.");
        }
        let Some(cookie) = headers::take_cookies(request.headers_mut(), self.scheme) else {
            self.metrics.admitted("refused");
            return pages::not_entered(&request, self.home());
        };
        let ask = Ask {
            label: host.label.clone(),
            path: request.uri().path().to_owned(),
            credential: Credential::Cookie(cookie),
        };
        let pass = match self.admissions.admit(ask).await {
            Ok(pass) => pass,
            Err(AdmitError::Refused) => return pages::not_entered(&request, self.home()),
            Err(AdmitError::Unavailable) => return unavailable(),
        };
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let target = format!("{}{path}", pass.target.trim_end_matches('/'));
        self.pass(host, request, address, &pass, &target).await
    }

    /// Sends an admitted request through its tunnel.
    async fn pass(
        &self,
        host: &ProxyHost,
        mut request: Request<Body>,
        address: Option<SocketAddr>,
        pass: &Pass,
        target: &str,
    ) -> Response<Body> {
        let Ok(target) = target.parse() else {
            debug!(target, "an admitted request has a target that is no URI");
            return error_answer(
                StatusCode::BAD_REQUEST,
                "BAD_TARGET",
                "The address cannot be passed on.",
            );
        };
        *request.uri_mut() = target;
        let wants = pages::Wants::of(&request);
        let client = Client {
            scheme: self.scheme,
            address,
        };
        let answer = self.relay.send(&pass.tunnel, request, client).await;
        let mut response = match answer {
            Ok(response) => match pages::own_error(&response) {
                Some(status) if wants.is_page() => pages::agent_error(status, host.port.as_deref()),
                Some(_) | None => response,
            },
            Err(RelayError::Upgrade) => error_answer(
                StatusCode::UPGRADE_REQUIRED,
                "UPGRADE_NOT_SERVED",
                "Only upgrades to WebSocket are passed on.",
            ),
            Err(RelayError::Full) => unavailable(),
            Err(RelayError::NoTunnel | RelayError::Broken) if wants.is_page() => pages::reconnecting(),
            Err(RelayError::NoTunnel | RelayError::Broken) => {
                let message = "The node is not connected right now. It connects again by itself.";
                let mut response = error_answer(StatusCode::SERVICE_UNAVAILABLE, "NODE_UNREACHABLE", message);
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from_static("2"));
                response
            }
        };
        headers::clean_response(response.headers_mut());
        response.extensions_mut().insert(Foreign::proxied(Some(&pass.tunnel)));
        response
    }

    fn is_own_origin(&self, origin: &str) -> bool {
        self.config.origins.iter().any(|own| own.eq_ignore_ascii_case(origin))
    }

    /// A cookie is sent by any page that the browser takes for the same site, such as that of another proxied host. So
    /// requests that say where they come from must come from the application or from the same name.
    fn may_come_from_here(&self, host: &ProxyHost, request: &Request<Body>) -> bool {
        let Some(origin) = headers::origin(request.headers()) else {
            return !handshake::is_wanted(request.headers());
        };
        let only_looks = request.method().is_safe() && !hygiene::demands_upgrade(request.headers());
        if only_looks && self.is_own_origin(origin) {
            return true;
        }
        if origin == "null" {
            // What a page with the policy `no-referrer` says, also to itself.
            let is_same = request
                .headers()
                .get("sec-fetch-site")
                .is_some_and(|site| site == "same-origin");
            return is_same || only_looks;
        }
        let name = origin.split_once("://").map_or("", |(_, name)| name);
        let of_origin = host::find_name(name, &self.config.prefix, self.domain_name());
        of_origin.is_some_and(|other| other.name == host.name)
    }

    fn refuse(&self, message: &str) -> Response<Body> {
        self.metrics.admitted("origin");
        error_answer(StatusCode::FORBIDDEN, "FORBIDDEN", message)
    }

    fn home(&self) -> &str {
        self.config.origins.first().map_or("/", String::as_str)
    }
}

fn unavailable() -> Response<Body> {
    let message = "This cannot be served right now. Try again in a few seconds.";
    let mut response = error_answer(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", message);
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("2"));
    response
}
