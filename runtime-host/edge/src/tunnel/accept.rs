//! Opens tunnels: from a request with an upgrade to an entry of the registry, and out of it again.

use super::registry::NotTaken;
use super::{News, TunnelConfig, Tunnels};
use crate::answer::error_answer;
use crate::foreign::{Foreign, X_SAM_TUNNEL};
use crate::gate::TunnelChange;
use crate::grip::Holder;
use crate::hygiene;
use crate::metrics::Metrics;
use crate::{Body, Upstream, body};
use http::header::HeaderMap;
use http::{Method, Request, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use sam_tunnel::{PROTOCOL, Socket, Traffic, close, handshake};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, error, info};

/// The 101, or what the request lacks.
type Handshake = Result<Response<()>, String>;

/// Serves the route at which tunnels are opened.
#[derive(Debug)]
pub(crate) struct Acceptor {
    config: TunnelConfig,
    tunnels: Tunnels,
    traffic: Traffic,
    metrics: Arc<Metrics>,
    news: News,
    tasks: TaskTracker,
}

impl Acceptor {
    /// Starts its tasks on the current runtime.
    pub(crate) fn start(
        config: TunnelConfig,
        tunnels: Tunnels,
        metrics: Arc<Metrics>,
        shutdown: CancellationToken,
    ) -> Self {
        let traffic = Traffic::default();
        metrics.watch_tunnels(tunnels.clone(), traffic.clone());
        let news = News::default();
        tokio::spawn(news.clone().deliver(config.gate.clone()));
        let (registry, drain) = (tunnels.clone(), config.drain);
        tokio::spawn(async move {
            shutdown.cancelled().await;
            let open = registry.shut();
            let drained = futures::future::join_all(open.iter().map(sam_tunnel::Opener::drained));
            // What does not end by itself, such as a followed log, is cut off.
            timeout(drain, drained).await.ok();
            for opener in open {
                opener.close(close::GOING_AWAY, "the server is going away");
            }
        });
        Self {
            config,
            tunnels,
            traffic,
            metrics,
            news,
            tasks: TaskTracker::new(),
        }
    }

    pub(crate) fn serves(&self, path: &str) -> bool {
        path == self.config.path
    }

    /// Waits until all tunnels are closed and the application has heard it.
    pub(crate) async fn closed(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.news.all_heard().await;
    }

    /// What a request for a tunnel is answered with, if the application agrees.
    pub(crate) fn handshake(&self, request: &Request<Body>) -> Handshake {
        if request.method() != Method::GET {
            return Err("A tunnel is opened with GET.".to_owned());
        }
        handshake::answer(request.headers(), PROTOCOL).map_err(|error| error.to_string())
    }

    /// Answers a request that wants a tunnel. `request` has no trace of the upgrade any more.
    pub(crate) async fn accept<U: Upstream>(
        self: Arc<Self>,
        handshake: Handshake,
        upgrade: Option<OnUpgrade>,
        request: Request<Body>,
        holder: &Holder<U>,
        client: Option<IpAddr>,
    ) -> Response<Body> {
        let (switch, upgrade) = match (handshake, upgrade) {
            (Ok(switch), Some(upgrade)) => (switch, upgrade),
            (Err(message), _) => return self.refuse(StatusCode::BAD_REQUEST, "BAD_UPGRADE", &message),
            (Ok(_), None) => {
                let message = "This connection cannot be upgraded.";
                return self.refuse(StatusCode::BAD_REQUEST, "BAD_UPGRADE", message);
            }
        };
        let response = holder.handle(without_upgrade(request), client).await;
        if !response.status().is_success() {
            self.metrics.tunnels_refused.inc();
            return response;
        }
        let Some((name, epoch)) = named(response.headers()) else {
            error!("the application lets a tunnel in without naming it");
            return self.refuse(StatusCode::BAD_GATEWAY, "BAD_TUNNEL", "The tunnel could not be opened.");
        };
        match self.tunnels.would_take(&name, epoch, self.config.tunnels_max) {
            Ok(()) => {}
            Err(NotTaken::Stale) => {
                let message = "A newer process of the same agent has the tunnel.";
                return self.refuse(StatusCode::CONFLICT, "CONFLICT", message);
            }
            Err(NotTaken::Full | NotTaken::Closed) => {
                let message = "No further tunnel can be opened now. Try again later.";
                return self.refuse(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", message);
            }
        }
        let acceptor = Arc::clone(&self);
        self.tasks
            .spawn(async move { acceptor.run(upgrade, name, epoch).await });
        let mut switch = switch.map(|()| body::empty());
        switch.extensions_mut().insert(Foreign::switched());
        switch
    }

    async fn run(&self, upgrade: OnUpgrade, name: String, epoch: i64) {
        let upgraded = match upgrade.await {
            Ok(upgraded) => upgraded,
            Err(error) => {
                debug!(tunnel = name, %error, "the connection ended before the tunnel was open");
                return;
            }
        };
        let (opened, traffic) = (Instant::now(), self.traffic.clone());
        let (opener, tunnel) = sam_tunnel::open(Socket::server(upgraded).await, self.config.liveness, traffic);
        let id = self.tunnels.insert(&name, epoch, opener, self.config.tunnels_max);
        let tell = |is_open| {
            self.news.tell(TunnelChange {
                name: name.clone(),
                epoch,
                is_open,
            });
        };
        if id.is_some() {
            info!(tunnel = name, epoch, "a tunnel opened");
            tell(true);
        }
        let ended = tunnel.await;
        // A tunnel that was replaced is not news: its successor is open.
        if id.is_some_and(|id| self.tunnels.remove(&name, id)) {
            tell(false);
        }
        let seconds = opened.elapsed().as_secs();
        info!(tunnel = name, epoch, seconds, reason = %ended, "a tunnel closed");
    }

    fn refuse(&self, status: StatusCode, code: &str, message: &str) -> Response<Body> {
        self.metrics.tunnels_refused.inc();
        error_answer(status, code, message)
    }
}

/// The question to the application: the same request as if there were no upgrade, and without a body.
fn without_upgrade(request: Request<Body>) -> Request<Body> {
    let (mut parts, _no_body) = request.into_parts();
    hygiene::remove_where(&mut parts.headers, |name| name.starts_with("sec-websocket-"));
    Request::from_parts(parts, body::empty())
}

/// `x-sam-tunnel: <name> <epoch>`.
fn named(headers: &HeaderMap) -> Option<(String, i64)> {
    let (name, epoch) = headers.get(X_SAM_TUNNEL)?.to_str().ok()?.split_once(' ')?;
    (!name.is_empty()).then_some((name.to_owned(), epoch.trim().parse().ok()?))
}
