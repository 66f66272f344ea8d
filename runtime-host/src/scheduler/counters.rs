//! What the scheduler counts, and what `ops` tells it about the queues.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use sam_contract::http::health::QueueHealth;
use sam_contract::http::work::Worked;
use std::sync::atomic::AtomicU64;

type ByQueue = Family<[(&'static str, String); 1], Counter>;
type Level = Family<[(&'static str, String); 1], Gauge>;
type Seconds = Family<[(&'static str, String); 1], Gauge<f64, AtomicU64>>;

#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    ticks: Family<[(&'static str, &'static str); 1], Counter>,
    wakes: ByQueue,
    calls: Family<[(&'static str, String); 2], Counter>,
    done: ByQueue,
    failed: ByQueue,
    depth: Level,
    dead: Level,
    oldest_age: Seconds,
    last_success: Seconds,
}

impl Counters {
    pub(super) fn register(&self, registry: &mut Registry) {
        let queues = registry.sub_registry_with_prefix("sam_queue");
        queues.register("depth", "Jobs that are neither done nor parked", self.depth.clone());
        queues.register(
            "dead",
            "Jobs that were parked after their last attempt",
            self.dead.clone(),
        );
        queues.register(
            "oldest_age_seconds",
            "How long the oldest due job has been due; 0 when none is",
            self.oldest_age.clone(),
        );
        queues.register(
            "last_success_timestamp_seconds",
            "When a job was last done; absent before the first",
            self.last_success.clone(),
        );
        let registry = registry.sub_registry_with_prefix("sam_scheduler");
        registry.register(
            "ticks",
            "Questions to ops about due queues, by outcome",
            self.ticks.clone(),
        );
        registry.register("wakes", "Wakes by responses, by queue", self.wakes.clone());
        registry.register("calls", "Calls of workers, by queue and outcome", self.calls.clone());
        registry.register("jobs_done", "Jobs done, by queue", self.done.clone());
        registry.register(
            "jobs_failed",
            "Attempts at jobs that failed, by queue",
            self.failed.clone(),
        );
    }

    pub(super) fn tick(&self, outcome: &'static str) {
        self.ticks.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// What `ops` said about the queues at the last tick.
    pub(super) fn health(&self, queues: &[QueueHealth]) {
        for health in queues {
            let queue = [("queue", health.queue.clone())];
            self.depth.get_or_create(&queue).set(health.depth);
            self.dead.get_or_create(&queue).set(health.dead);
            let oldest_ms = health.oldest_age_ms.unwrap_or(0);
            self.oldest_age.get_or_create(&queue).set(seconds(oldest_ms));
            if let Some(at) = health.last_success_at {
                self.last_success.get_or_create(&queue).set(seconds(at));
            }
        }
    }

    pub(super) fn wake(&self, queue: &str) {
        self.wakes.get_or_create(&[("queue", queue.to_owned())]).inc();
    }

    /// `None` is a call that failed as a whole.
    pub(super) fn worked(&self, queue: &str, worked: Option<&Worked>) {
        let outcome = if worked.is_some() { "ok" } else { "failed" };
        self.calls
            .get_or_create(&[("queue", queue.to_owned()), ("outcome", outcome.to_owned())])
            .inc();
        if let Some(worked) = worked {
            let queue = [("queue", queue.to_owned())];
            self.done.get_or_create(&queue).inc_by(worked.done.into());
            self.failed.get_or_create(&queue).inc_by(worked.failed.into());
        }
    }
}

/// Prometheus counts in seconds. Milliseconds since 1970 fit a double without loss.
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}
