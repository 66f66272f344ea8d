//! What tunnels count themselves, read when somebody asks.

use crate::tunnel::Tunnels;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use sam_tunnel::Traffic;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// The tunnels of an edge, once it has any.
#[derive(Clone, Debug, Default)]
pub(super) struct Watched(Arc<OnceLock<(Tunnels, Traffic)>>);

impl Watched {
    /// An edge has one registry; the first one counts.
    pub(super) fn watch(&self, tunnels: Tunnels, traffic: Traffic) {
        self.0.get_or_init(|| (tunnels, traffic));
    }
}

impl Collector for Watched {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some((tunnels, traffic)) = self.0.get() else {
            return Ok(());
        };
        let mut gauge = |name, help, value: usize| {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        gauge("tunnels", "Tunnels open right now", tunnels.count())?;
        gauge(
            "tunnel_streams",
            "Streams open in all tunnels right now",
            tunnels.streams(),
        )?;
        let mut counter = |name, help, value: u64| {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)
        };
        counter("tunnel_streams_opened", "Streams opened in tunnels", traffic.streams())?;
        counter("tunnel_sent_bytes", "Bytes sent through tunnels", traffic.sent())?;
        counter(
            "tunnel_received_bytes",
            "Bytes received through tunnels",
            traffic.received(),
        )
    }
}
