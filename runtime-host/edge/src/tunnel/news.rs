//! Tells the application which tunnels are open: the latest state of each name, again and again until it has heard it.

use crate::gate::{SharedGate, TunnelChange};
use futures::StreamExt;
use futures::stream;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::warn;

/// A thousand machines that come back at once are told about by so many calls at a time.
const CALLS_MAX: usize = 8;
const AGAIN_FIRST: Duration = Duration::from_millis(250);
const AGAIN_LONGEST: Duration = Duration::from_secs(15);

/// What the application has not heard yet. At most one entry for each name, so it needs no limit of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct News(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    changes: Mutex<Changes>,
    changed: Notify,
    heard: Notify,
}

#[derive(Debug, Default)]
struct Changes {
    unheard: HashMap<String, TunnelChange>,
    in_flight: usize,
}

impl News {
    pub(crate) fn tell(&self, change: TunnelChange) {
        self.lock().unheard.insert(change.name.clone(), change);
        self.0.changed.notify_one();
    }

    /// Waits until the application has heard everything.
    pub(crate) async fn all_heard(&self) {
        loop {
            let heard = self.0.heard.notified();
            {
                let changes = self.lock();
                if changes.unheard.is_empty() && changes.in_flight == 0 {
                    return;
                }
            }
            heard.await;
        }
    }

    /// Delivers for ever. Of each name only the latest change is kept, and one call for it is in flight at a time, so the
    /// application never hears them in the wrong order.
    pub(crate) async fn deliver(self, gate: SharedGate) {
        let mut again = AGAIN_FIRST;
        loop {
            let batch = self.take();
            if batch.is_empty() {
                self.0.changed.notified().await;
                continue;
            }
            let calls = batch.into_iter().map(|change| {
                let call = gate.tunnel_changed(change.clone());
                async move { (change, call.await) }
            });
            let mut calls = stream::iter(calls).buffer_unordered(CALLS_MAX);
            let mut failed = false;
            while let Some((change, was_heard)) = calls.next().await {
                failed |= !was_heard;
                self.settle(change, was_heard);
            }
            if failed {
                warn!(
                    retry_ms = again.as_millis(),
                    "the application does not hear that tunnels changed"
                );
                sleep(again).await;
                again = (again * 2).min(AGAIN_LONGEST);
            } else {
                again = AGAIN_FIRST;
            }
        }
    }

    fn take(&self) -> Vec<TunnelChange> {
        let mut changes = self.lock();
        let batch: Vec<TunnelChange> = changes.unheard.drain().map(|(_, change)| change).collect();
        changes.in_flight += batch.len();
        batch
    }

    fn settle(&self, change: TunnelChange, was_heard: bool) {
        let mut changes = self.lock();
        changes.in_flight = changes.in_flight.saturating_sub(1);
        if !was_heard {
            // What happened since is newer.
            changes.unheard.entry(change.name.clone()).or_insert(change);
        }
        drop(changes);
        self.0.heard.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Changes> {
        self.0.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
