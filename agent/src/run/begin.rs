//! The start of a process: it gets its epoch, and older ones of the node stand down.

use http::Method;
use sam_contract::agent::enrol::{Start, Started};
use tokio::time::sleep;
use tracing::warn;

use super::{End, ends, pause};
use crate::clock::local_ms;
use crate::context::Context;
use crate::machine::machine;

/// Asks until it is answered.
pub(super) async fn begin(ctx: &Context) -> Result<i64, End> {
    let mut failures = 0_u32;
    loop {
        let sent_ms = local_ms();
        let start = Start { machine: machine() };
        match ctx
            .control
            .send::<_, Started>(Method::POST, "/api/agent/v1/start", &start)
            .await
        {
            Ok(started) => {
                ctx.clock.learn(sent_ms, started.server_time);
                return Ok(started.epoch);
            }
            Err(error) => {
                if let Some(end) = ends(&error) {
                    return Err(end);
                }
                warn!(%error, "the control plane has not taken this process yet");
                sleep(pause(failures, &error)).await;
                failures = failures.saturating_add(1);
            }
        }
    }
}
