//! What the host counts, as Prometheus metrics.
//!
//! Each component's counters are looked up once, when it is loaded; a request then costs a few atomic additions.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds in seconds: from an answer out of memory to one that ran into the default time-out.
const LATENCY_BUCKETS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0, 30.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ComponentLabel {
    component: String,
}

/// A component and one word more: a status class, or how an outbound request ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabels {
    component: String,
    outcome: &'static str,
}

type Latency = Family<ComponentLabel, Histogram, fn() -> Histogram>;

/// The metrics of one host.
pub struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<OutcomeLabels, Counter>,
    latency: Latency,
    instances: Family<ComponentLabel, Gauge>,
    instances_created: Family<ComponentLabel, Counter>,
    instances_reused: Family<ComponentLabel, Counter>,
    traps: Family<ComponentLabel, Counter>,
    timeouts: Family<ComponentLabel, Counter>,
    refused: Family<ComponentLabel, Counter>,
    outbound: Family<OutcomeLabels, Counter>,
    outbound_kept: Family<ComponentLabel, Gauge>,
}

/// The metrics of one component, looked up already.
#[derive(Clone, Debug)]
pub(crate) struct ComponentMetrics {
    statuses: [Counter; 5],
    latency: Histogram,
    instances: Gauge,
    pub(crate) instances_created: Counter,
    pub(crate) instances_reused: Counter,
    pub(crate) traps: Counter,
    pub(crate) timeouts: Counter,
    pub(crate) refused: Counter,
    pub(crate) outbound_sent: Counter,
    pub(crate) outbound_denied: Counter,
    pub(crate) outbound_chained: Counter,
    pub(crate) outbound_kept: Gauge,
}

/// Counts an instance as alive while it is held.
#[derive(Debug)]
pub(crate) struct LiveInstance(Gauge);

impl Drop for LiveInstance {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let requests = Family::default();
        let latency: Latency = Family::new_with_constructor(|| Histogram::new(LATENCY_BUCKETS));
        let [instances_created, instances_reused, traps, timeouts, refused] =
            std::array::from_fn(|_| Family::default());
        let instances = Family::default();
        let outbound = Family::default();
        let outbound_kept = Family::default();
        registry.register(
            "spin_requests",
            "Requests by component and status class",
            requests.clone(),
        );
        registry.register("spin_request_seconds", "Time to the response head", latency.clone());
        registry.register("spin_instances", "Component instances alive", instances.clone());
        registry.register(
            "spin_instances_created",
            "Component instances made",
            instances_created.clone(),
        );
        registry.register(
            "spin_instances_reused",
            "Requests served by an instance in use before",
            instances_reused.clone(),
        );
        registry.register("spin_traps", "Instances lost to a trap", traps.clone());
        registry.register("spin_timeouts", "Instances stopped at a deadline", timeouts.clone());
        registry.register(
            "spin_refused",
            "Requests refused for want of a free instance",
            refused.clone(),
        );
        registry.register(
            "spin_outbound_requests",
            "Requests sent by components",
            outbound.clone(),
        );
        registry.register(
            "spin_outbound_connections_kept",
            "Free connections to other servers, kept for the next request",
            outbound_kept.clone(),
        );
        Self {
            registry: Mutex::new(registry),
            requests,
            latency,
            instances,
            instances_created,
            instances_reused,
            traps,
            timeouts,
            refused,
            outbound,
            outbound_kept,
        }
    }

    /// Everything in the OpenMetrics text format, for a `/metrics` endpoint.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        if prometheus_client::encoding::text::encode(&mut text, &self.registry()).is_err() {
            tracing::error!("the metrics cannot be written as text");
        }
        text
    }

    /// The registry, for an embedder (or a capability) with metrics of its own.
    pub fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn component(&self, component: &str) -> ComponentMetrics {
        let label = ComponentLabel {
            component: component.to_owned(),
        };
        let outcome = |outcome| OutcomeLabels {
            component: component.to_owned(),
            outcome,
        };
        ComponentMetrics {
            statuses: ["1xx", "2xx", "3xx", "4xx", "5xx"]
                .map(|class| self.requests.get_or_create_owned(&outcome(class))),
            latency: self.latency.get_or_create_owned(&label),
            instances: self.instances.get_or_create_owned(&label),
            instances_created: self.instances_created.get_or_create_owned(&label),
            instances_reused: self.instances_reused.get_or_create_owned(&label),
            traps: self.traps.get_or_create_owned(&label),
            timeouts: self.timeouts.get_or_create_owned(&label),
            refused: self.refused.get_or_create_owned(&label),
            outbound_sent: self.outbound.get_or_create_owned(&outcome("sent")),
            outbound_denied: self.outbound.get_or_create_owned(&outcome("denied")),
            outbound_chained: self.outbound.get_or_create_owned(&outcome("chained")),
            outbound_kept: self.outbound_kept.get_or_create_owned(&label),
        }
    }
}

impl ComponentMetrics {
    pub(crate) fn answered(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.statuses.get(class) {
            counter.inc();
        }
        self.latency.observe(took.as_secs_f64());
    }

    pub(crate) fn instance_made(&self) -> LiveInstance {
        self.instances_created.inc();
        self.instances.inc();
        LiveInstance(self.instances.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_each_metric_with_its_component() {
        let metrics = Metrics::new();
        let web = metrics.component("web");
        let live = web.instance_made();
        web.answered(StatusCode::NOT_FOUND, Duration::from_millis(3));
        let text = metrics.encode();
        for line in [
            r#"spin_requests_total{component="web",outcome="4xx"} 1"#,
            r#"spin_request_seconds_bucket{le="0.005",component="web"} 1"#,
            r#"spin_instances{component="web"} 1"#,
            r#"spin_instances_created_total{component="web"} 1"#,
            r#"spin_outbound_requests_total{component="web",outcome="denied"} 0"#,
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        drop(live);
        assert!(metrics.encode().contains(r#"spin_instances{component="web"} 0"#));
    }
}
