//! Delivery of the outbox: in order, in batches, forgotten only when taken.

use http::Method;
use sam_contract::agent::outbox::{ENTRIES_MAX, Entry, Outbox, Taken};
use tokio::time::sleep;
use tracing::{error, warn};

use super::{End, Session, ends, pause};
use crate::clock::local_ms;

/// A batch stays below the other side's limit of 2 MiB.
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// Delivers; returns when the agent is over.
pub(super) async fn deliver(session: &Session) -> End {
    let store = &session.ctx.store;
    let mut failures = 0_u32;
    loop {
        let waiting = match store.waiting(ENTRIES_MAX).await {
            Ok(waiting) => waiting,
            Err(failure) => {
                error!(%failure, "the outbox cannot be read");
                return End::Stopped;
            }
        };
        if waiting.is_empty() {
            store.fresh().await;
            continue;
        }
        let (places, entries) = batch(waiting);
        let outbox = Outbox {
            epoch: session.epoch,
            entries,
        };
        let sent_ms = local_ms();
        match session
            .ctx
            .control
            .send::<_, Taken>(Method::POST, "/api/agent/v1/events", &outbox)
            .await
        {
            Ok(taken) => {
                failures = 0;
                session.ctx.clock.learn(sent_ms, taken.server_time);
                let count = usize::try_from(taken.entries).unwrap_or(usize::MAX).min(places.len());
                match places.get(..count).and_then(|taken| taken.last()) {
                    Some(through) => {
                        if store.ack(*through).await.is_err() {
                            return End::Stopped;
                        }
                    }
                    // Nothing was taken though nothing was refused: not at once again.
                    None => sleep(std::time::Duration::from_secs(1)).await,
                }
            }
            Err(failure) => {
                if let Some(end) = ends(&failure) {
                    return end;
                }
                // Whatever the refusal: the entries are kept and sent again later.
                warn!(error = %failure, waiting = places.len(), "the outbox waits");
                sleep(pause(failures, &failure)).await;
                failures = failures.saturating_add(1);
            }
        }
    }
}

fn batch(waiting: Vec<(i64, Entry)>) -> (Vec<i64>, Vec<Entry>) {
    let (mut places, mut entries, mut bytes) = (Vec::new(), Vec::new(), 0);
    for (place, entry) in waiting {
        bytes += serde_json::to_vec(&entry).map_or(0, |text| text.len());
        if bytes > BATCH_BYTES_MAX && !entries.is_empty() {
            break;
        }
        places.push(place);
        entries.push(entry);
    }
    (places, entries)
}
