//! The tunnel: one outbound WebSocket through which the edge reaches the HTTP API.

use std::time::Instant;

use sam_tunnel::{ConnectError, Dial, Ended, Liveness, Traffic, backoff, close, connect, serve};
use tokio::time::sleep;
use tracing::{debug, info, warn};

use super::{End, Session, ends};
use crate::clock::{local_ms, unit};
use crate::control::{ControlError, TUNNEL_PATH};

/// Keeps one open; returns when the agent is over.
pub(super) async fn keep(session: &Session) -> End {
    let router = crate::http::router(&session.ctx, &session.fleet);
    let mut failures = 0_u32;
    loop {
        match open(session).await {
            Ok(socket) => {
                let opened = Instant::now();
                info!("the tunnel is open");
                let ended = serve(
                    socket,
                    router.clone(),
                    Liveness::agent(),
                    Traffic::default(),
                    session.end.clone(),
                )
                .await;
                match &ended {
                    // The reports tell soon whether this process is to stand down; until then it is not in the way.
                    Ended::ClosedByPeer(reason) if reason.code == close::REPLACED => {
                        session.ctx.changed.notify_one();
                        failures = failures.max(4);
                    }
                    Ended::ClosedByPeer(reason) if reason.code == close::REFUSED => failures = failures.max(4),
                    _ => failures = 0,
                }
                info!(?ended, lasted_s = opened.elapsed().as_secs(), "the tunnel has ended");
            }
            Err(error) => {
                if let Some(end) = ends(&error) {
                    return end;
                }
                if failures < 3 {
                    debug!(%error, "no tunnel");
                } else {
                    warn!(%error, "no tunnel");
                }
                failures = failures.saturating_add(1);
            }
        }
        sleep(backoff(failures, unit())).await;
    }
}

async fn open(session: &Session) -> Result<sam_tunnel::Socket, ControlError> {
    let control = &session.ctx.control;
    let url = &control.identity().url;
    let host = url.host_str().unwrap_or_default().to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let mut first = true;
    loop {
        let stream = control
            .dialler()
            .connect(url.scheme() == "https", &host, port)
            .await
            .map_err(|error| ControlError::Network(error.to_string()))?;
        let dial = Dial {
            host: url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}")),
            path: TUNNEL_PATH.to_owned(),
            authorization: control.authorization(session.ctx.node, "GET", TUNNEL_PATH),
        };
        let sent_ms = local_ms();
        match connect(stream, &dial).await {
            Ok(socket) => return Ok(socket),
            Err(ConnectError::Refused { status, body }) => {
                let (error, again) = ControlError::from_refusal(status, &body, &control.clock, sent_ms);
                if !(again && first) {
                    return Err(error);
                }
                first = false;
            }
            Err(error) => return Err(ControlError::Network(error.to_string())),
        }
    }
}
