//! The desired state: asked for, held by the other side until it is newer, taken up as it is.

use std::time::Duration;

use sam_contract::agent::desired::Desired;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::{End, Session, ends, pause};
use crate::clock::local_ms;

/// The other side holds the request for 25 s; a silence longer than this is a lost connection.
const PATIENCE: Duration = Duration::from_secs(40);
/// A desired state that came at once although we have it: the other side does not hold requests. Then this is the pace.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// Follows it; returns when the agent is over.
pub(super) async fn follow(session: &Session) -> End {
    let control = &session.ctx.control;
    let mut newest = session.newest.subscribe();
    let (mut have, mut failures) = (None, 0_u32);
    loop {
        let query = match have {
            Some(have) => format!("have={have}&wait=25&epoch={}", session.epoch),
            None => format!("epoch={}", session.epoch),
        };
        let sent_ms = local_ms();
        let asked = tokio::select! {
            asked = control.get::<Desired>("/api/agent/v1/desired", &query, PATIENCE) => asked,
            // A report was answered with a newer generation: this request hangs on a lost connection, or on an edge that
            // missed the wake.
            () = newer(&mut newest, have) => continue,
        };
        match asked {
            Ok(desired) => {
                failures = 0;
                let same = have == Some(desired.generation);
                session.ctx.clock.learn(sent_ms, desired.server_time);
                have = Some(desired.generation);
                if same {
                    if local_ms() - sent_ms < 1_000 {
                        sleep(POLL_EVERY).await;
                    }
                    continue;
                }
                debug!(
                    generation = desired.generation,
                    workspaces = desired.workspaces.len(),
                    "a new desired state"
                );
                session.fleet.apply(&desired);
                session.generation.send_replace(desired.generation);
                session.ctx.changed.notify_one();
            }
            Err(error) => {
                if let Some(end) = ends(&error) {
                    return end;
                }
                warn!(%error, "no desired state");
                sleep(pause(failures, &error)).await;
                failures = failures.saturating_add(1);
            }
        }
    }
}

/// Returns when the control plane is known to have another generation than we have.
async fn newer(newest: &mut tokio::sync::watch::Receiver<i64>, have: Option<i64>) {
    loop {
        let told = *newest.borrow_and_update();
        if told >= 0 && have.is_some_and(|have| told != have) {
            // The held request is most likely just being answered.
            sleep(Duration::from_secs(2)).await;
            return;
        }
        if newest.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
