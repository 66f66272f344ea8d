//! What the scheduler counts.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use sam_contract::http::work::Worked;

type ByQueue = Family<[(&'static str, String); 1], Counter>;

#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    ticks: Family<[(&'static str, &'static str); 1], Counter>,
    wakes: ByQueue,
    calls: Family<[(&'static str, String); 2], Counter>,
    done: ByQueue,
    failed: ByQueue,
}

impl Counters {
    pub(super) fn register(&self, registry: &mut Registry) {
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
