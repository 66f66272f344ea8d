//! Connections of one component that wait for its next request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::client::conn::http1::SendRequest;
use prometheus_client::metrics::gauge::Gauge;
use wasmtime_wasi_http::WasiBody;

/// How often connections that have had their time are looked for, while there are any.
const SWEEP: Duration = Duration::from_secs(5);

/// Where a connection leads.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) https: bool,
    /// A name or an address, an IPv6 one in brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// A free connection.
pub(crate) struct Idle {
    /// Dropping it closes the connection.
    pub(crate) sender: SendRequest<WasiBody>,
    pub(crate) until: Instant,
}

impl Idle {
    fn is_usable(&self) -> bool {
        self.sender.is_ready() && Instant::now() < self.until
    }
}

/// Free connections by where they lead.
pub(crate) struct Pool {
    idle_max: usize,
    kept: Mutex<Kept>,
    gauge: Gauge,
}

#[derive(Default)]
struct Kept {
    /// Newest last, and taken first, so that those nobody needs grow old.
    by_target: HashMap<Target, Vec<Idle>>,
    count: usize,
    sweeping: bool,
}

impl Pool {
    /// A pool of at most `idle_max` connections, to whomever they lead.
    pub(crate) fn new(idle_max: usize, gauge: Gauge) -> Self {
        Self {
            idle_max,
            kept: Mutex::default(),
            gauge,
        }
    }

    /// A connection to `target` that was open a moment ago.
    pub(crate) fn take(&self, target: &Target) -> Option<SendRequest<WasiBody>> {
        let mut kept = self.kept();
        let mut connections = kept.by_target.remove(target)?;
        let mut found = None;
        while let Some(idle) = connections.pop() {
            kept.count = kept.count.saturating_sub(1);
            if idle.is_usable() {
                found = Some(idle.sender);
                break;
            }
        }
        if !connections.is_empty() {
            kept.by_target.insert(target.clone(), connections);
        }
        self.report(&kept);
        found
    }

    /// Keeps a connection, if there is room for it.
    pub(crate) fn keep(self: Arc<Self>, target: Target, idle: Idle) {
        let mut kept = self.kept();
        if kept.count >= self.idle_max {
            kept.sweep();
        }
        if kept.count >= self.idle_max {
            return;
        }
        kept.by_target.entry(target).or_default().push(idle);
        kept.count += 1;
        self.report(&kept);
        let first = !std::mem::replace(&mut kept.sweeping, true);
        drop(kept);
        if first {
            tokio::spawn(async move { while self.sweep_later().await {} });
        }
    }

    /// Closes what has had its time; `false` once nothing is kept.
    async fn sweep_later(&self) -> bool {
        tokio::time::sleep(SWEEP).await;
        let mut kept = self.kept();
        kept.sweep();
        self.report(&kept);
        kept.sweeping = kept.count > 0;
        kept.sweeping
    }

    fn report(&self, kept: &Kept) {
        self.gauge.set(i64::try_from(kept.count).unwrap_or(i64::MAX));
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn sweep(&mut self) {
        self.by_target.retain(|_, connections| {
            connections.retain(Idle::is_usable);
            !connections.is_empty()
        });
        self.count = self.by_target.values().map(Vec::len).sum();
    }
}
