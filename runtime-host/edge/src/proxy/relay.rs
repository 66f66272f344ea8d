//! Passes an admitted request through a tunnel, and after a switch of protocols the bytes both ways.

use super::headers::{self, Client};
use crate::foreign::Foreign;
use crate::hygiene;
use crate::metrics::Metrics;
use crate::tunnel::Tunnels;
use crate::{Body, BoxError, body};
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use sam_tunnel::handshake;
use std::sync::Arc;
use thiserror::Error;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// One direction of a switched connection holds at most so much.
const COPY_BYTES: usize = 16 * 1024;

#[derive(Debug, Error)]
pub(super) enum RelayError {
    #[error("only upgrades to WebSocket are passed on")]
    Upgrade,
    #[error("too many switched connections are open")]
    Full,
    #[error("the tunnel is not open")]
    NoTunnel,
    #[error("the exchange broke off before the answer")]
    Broken,
}

#[derive(Debug)]
pub(super) struct Relay {
    tunnels: Tunnels,
    places: Arc<Semaphore>,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
}

impl Relay {
    pub(super) fn new(
        tunnels: Tunnels,
        upgrades_max: usize,
        metrics: Arc<Metrics>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            tunnels,
            places: Arc::new(Semaphore::new(upgrades_max.min(Semaphore::MAX_PERMITS))),
            metrics,
            shutdown,
        }
    }

    /// Sends `request`, whose URI is already that of the other side.
    pub(super) async fn send(
        &self,
        tunnel: &str,
        mut request: Request<Body>,
        client: Client,
    ) -> Result<Response<Body>, RelayError> {
        let wants_upgrade = hygiene::demands_upgrade(request.headers());
        if wants_upgrade && !handshake::is_wanted(request.headers()) {
            return Err(RelayError::Upgrade);
        }
        let opener = self.tunnels.get(tunnel).ok_or(RelayError::NoTunnel)?;
        let switching = match request.extensions_mut().remove::<OnUpgrade>().filter(|_| wants_upgrade) {
            Some(ours) => {
                let place = Arc::clone(&self.places)
                    .try_acquire_owned()
                    .map_err(|_| RelayError::Full)?;
                Some((ours, place))
            }
            None if wants_upgrade => return Err(RelayError::Upgrade),
            None => None,
        };
        headers::clean_request(request.headers_mut(), client, wants_upgrade);
        // A client's HTTP/1.0 ends here.
        *request.version_mut() = Version::HTTP_11;
        let mut response = opener.send(request).await.map_err(|error| {
            debug!(tunnel, %error, "a proxied request got no answer");
            RelayError::Broken
        })?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            hygiene::remove_hop_by_hop(response.headers_mut());
            // Trailers and extensions belong to the other connection.
            let (parts, incoming) = response.into_parts();
            let mut response = Response::new(incoming.map_err(BoxError::from).boxed_unsync());
            *response.status_mut() = parts.status;
            *response.headers_mut() = parts.headers;
            return Ok(response);
        }
        // A switch that nobody asked for would leave both sides with different ideas of the connection.
        let (ours, place) = switching.ok_or(RelayError::Broken)?;
        let theirs = hyper::upgrade::on(&mut response);
        let (metrics, shutdown) = (Arc::clone(&self.metrics), self.shutdown.clone());
        let tunnel = tunnel.to_owned();
        tokio::spawn(async move {
            let _place = place;
            let _gauge = metrics.switched();
            tokio::select! {
                () = splice(ours, theirs, &tunnel) => {}
                () = shutdown.cancelled() => {}
            }
        });
        Ok(switched(&response))
    }
}

async fn splice(ours: OnUpgrade, theirs: OnUpgrade, tunnel: &str) {
    let (ours, theirs) = match tokio::try_join!(ours, theirs) {
        Ok((ours, theirs)) => (ours, theirs),
        Err(error) => {
            debug!(tunnel, %error, "a connection ended before it was switched");
            return;
        }
    };
    let (mut ours, mut theirs) = (TokioIo::new(ours), TokioIo::new(theirs));
    match copy_bidirectional_with_sizes(&mut ours, &mut theirs, COPY_BYTES, COPY_BYTES).await {
        Ok((sent, received)) => debug!(tunnel, sent, received, "a switched connection ended"),
        Err(error) => debug!(tunnel, %error, "a switched connection ended early"),
    }
}

/// The 101 for the client: what the other side agreed to.
fn switched<B>(answer: &Response<B>) -> Response<Body> {
    let mut response = Response::new(body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    for (name, value) in answer.headers() {
        if name.as_str().starts_with("sec-websocket-") {
            headers.append(name.clone(), value.clone());
        }
    }
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    response.extensions_mut().insert(Foreign::switched());
    response
}
