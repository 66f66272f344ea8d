//! Everything the edge counts, and the text that Prometheus reads.

mod watched;

use crate::tunnel::Tunnels;
use http::{Method, StatusCode};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use sam_tunnel::Traffic;
use std::time::Duration;
use watched::Watched;

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The edge's own counters. Names start with `sam_edge_`.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels<2>, Counter>,
    seconds: Histogram,
    holds: Family<Labels<1>, Gauge>,
    pub(crate) response_bytes: Counter,
    pub(crate) hold_requests: Counter,
    pub(crate) holds_refused: Counter,
    pub(crate) hold_faults: Counter,
    pub(crate) tunnels_refused: Counter,
    forwards: Family<Labels<1>, Counter>,
    admissions: Family<Labels<1>, Counter>,
    switched: Gauge,
    tunnels: Watched,
}

impl Default for Metrics {
    fn default() -> Self {
        // From 0.5 ms, a guest without storage, to 16 s: longer answers are holds or time-outs.
        let buckets = [
            0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0, 4.0, 16.0,
        ];
        let mut metrics = Self {
            registry: Registry::with_prefix("sam_edge"),
            requests: Family::default(),
            seconds: Histogram::new(buckets),
            holds: Family::default(),
            response_bytes: Counter::default(),
            hold_requests: Counter::default(),
            holds_refused: Counter::default(),
            hold_faults: Counter::default(),
            tunnels_refused: Counter::default(),
            forwards: Family::default(),
            admissions: Family::default(),
            switched: Gauge::default(),
            tunnels: Watched::default(),
        };
        let registry = &mut metrics.registry;
        registry.register(
            "requests",
            "Requests answered, by method and class of status",
            metrics.requests.clone(),
        );
        registry.register(
            "response_seconds",
            "Time until the response head was ready",
            metrics.seconds.clone(),
        );
        registry.register(
            "response_bytes",
            "Bytes of response bodies sent",
            metrics.response_bytes.clone(),
        );
        registry.register("holds", "Streams and long-polls held right now", metrics.holds.clone());
        registry.register(
            "hold_requests",
            "Links asked on behalf of held clients",
            metrics.hold_requests.clone(),
        );
        registry.register(
            "holds_refused",
            "Holds refused because of a limit",
            metrics.holds_refused.clone(),
        );
        registry.register(
            "hold_faults",
            "Holds that the application asked for wrongly",
            metrics.hold_faults.clone(),
        );
        registry.register(
            "tunnels_refused",
            "Requests for a tunnel that were refused",
            metrics.tunnels_refused.clone(),
        );
        registry.register(
            "forwards",
            "Requests that a machine answered, or should have, by outcome",
            metrics.forwards.clone(),
        );
        registry.register(
            "admissions",
            "Requests to proxied hosts, by what was decided",
            metrics.admissions.clone(),
        );
        registry.register(
            "switched_connections",
            "Connections to proxied hosts that were switched to WebSocket and are open",
            metrics.switched.clone(),
        );
        registry.register_collector(Box::new(metrics.tunnels.clone()));
        metrics
    }
}

impl Metrics {
    /// The registry, for [`encode`].
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn answered(&self, method: &Method, status: StatusCode, took: Duration) {
        let class = match status.as_u16() / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        self.requests
            .get_or_create(&[("method", known(method)), ("status", class)])
            .inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// Reports on these tunnels from now on.
    pub(crate) fn watch_tunnels(&self, tunnels: Tunnels, traffic: Traffic) {
        self.tunnels.watch(tunnels, traffic);
    }

    pub(crate) fn forwarded(&self, outcome: &'static str) {
        self.forwards.get_or_create(&[("outcome", outcome)]).inc();
    }

    pub(crate) fn admitted(&self, decision: &'static str) {
        self.admissions.get_or_create(&[("decision", decision)]).inc();
    }

    /// Counts one switched connection while what it returns lives.
    pub(crate) fn switched(&self) -> HoldGauge {
        self.switched.inc();
        HoldGauge(self.switched.clone())
    }

    pub(crate) fn hold(&self, kind: &'static str) -> HoldGauge {
        let gauge = self.holds.get_or_create(&[("kind", kind)]).clone();
        gauge.inc();
        HoldGauge(gauge)
    }
}

/// Counts one held or switched connection while it lives.
#[derive(Debug)]
pub(crate) struct HoldGauge(Gauge);

impl Drop for HoldGauge {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A client may invent methods, but not time series.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// Several registries as one OpenMetrics text.
#[must_use]
pub fn encode(registries: &[&Registry]) -> String {
    let mut text = String::new();
    let encoded = registries
        .iter()
        .try_for_each(|registry| encode_registry(&mut text, registry));
    // Writing to a `String` cannot fail; a metric that cannot be written would be seen as a missing end mark.
    if encoded.and_then(|()| encode_eof(&mut text)).is_err() {
        tracing::error!("a metric could not be encoded; the metrics text ends early");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_are_joined_with_one_end_mark() {
        let (one, two) = (Metrics::default(), Metrics::default());
        one.answered(&Method::GET, StatusCode::OK, Duration::from_millis(1));
        one.answered(
            &Method::from_bytes(b"BREW").unwrap(),
            StatusCode::IM_A_TEAPOT,
            Duration::ZERO,
        );
        let hold = two.hold("stream");
        let text = encode(&[one.registry(), two.registry()]);
        assert!(
            text.contains(r#"sam_edge_requests_total{method="GET",status="2xx"} 1"#),
            "{text}"
        );
        assert!(
            text.contains(r#"sam_edge_requests_total{method="OTHER",status="4xx"} 1"#),
            "{text}"
        );
        assert!(text.contains(r#"sam_edge_holds{kind="stream"} 1"#), "{text}");
        assert_eq!(text.matches("# EOF").count(), 1);
        drop(hold);
        assert!(encode(&[two.registry()]).contains(r#"sam_edge_holds{kind="stream"} 0"#));
    }
}
