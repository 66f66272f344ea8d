//! The report of what is there: every 10 s, and at once when something has changed. It is the heartbeat.

use std::time::Duration;

use http::Method;
use sam_contract::agent::observed::{Observed, ObservedTaken};
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use super::{End, Session, ends, pause};
use crate::clock::local_ms;
use crate::git;
use crate::machine::{load, machine};

/// The heartbeat.
const EVERY: Duration = Duration::from_secs(10);
/// Changes that follow each other share a report.
const GATHER: Duration = Duration::from_millis(15);
/// How often it is asked whether Docker answers.
const DOCKER_EVERY: Duration = Duration::from_secs(60);

/// Reports; returns when the agent is over.
pub(super) async fn keep(session: &Session) -> End {
    let ctx = &session.ctx;
    let git = git::version().await;
    let mut docker = ctx.engine.version().await;
    let mut docker_at = Instant::now();
    let (mut seq, mut failures) = (0, 0_u32);
    loop {
        if docker_at.elapsed() >= DOCKER_EVERY || (docker.is_none() && ctx.engine.exists()) {
            docker = ctx.engine.version().await;
            docker_at = Instant::now();
        }
        seq += 1;
        let observed = Observed {
            epoch: session.epoch,
            seq,
            generation: (*session.generation.borrow()).max(0),
            machine: machine(),
            load: load(ctx.state.root(), docker.clone(), git.clone()),
            workspaces: session.fleet.observed(),
            warm: ctx.warm.ready(),
        };
        let sent_ms = local_ms();
        match ctx
            .control
            .send::<_, ObservedTaken>(Method::PUT, "/api/agent/v1/observed", &observed)
            .await
        {
            Ok(taken) => {
                failures = 0;
                ctx.clock.learn(sent_ms, taken.server_time);
                session.newest.send_replace(taken.generation);
                let _ = timeout(EVERY, ctx.changed.notified()).await;
                sleep(GATHER).await;
            }
            Err(error) => {
                if let Some(end) = ends(&error) {
                    return end;
                }
                warn!(%error, "the report was not taken");
                sleep(pause(failures, &error)).await;
                failures = failures.saturating_add(1);
            }
        }
    }
}
