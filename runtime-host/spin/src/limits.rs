//! Every limit of the host in one place, with its default and the reason for it.

use std::time::Duration;

/// The limits of one [`Host`](crate::Host); the same for each of its components.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A request that has not got its response head by then is answered 504 and its instance is stopped.
    pub request_timeout: Duration,
    /// How long a request waits for a free instance slot before it is answered 503.
    pub queue_timeout: Duration,
    /// How long work may go on after the response has been sent completely.
    pub post_return_timeout: Duration,
    /// An instance that had nothing to do for that long is dropped.
    pub idle_timeout: Duration,
    /// Requests one instance serves before it is replaced; bounds what a leaking guest can hold.
    pub instance_requests_max: usize,
    /// Busy instances of one component: requests, open streams and work after responses, together.
    pub instances_max: usize,
    /// Linear memory of one instance, in bytes.
    pub memory_bytes_max: usize,
    /// Body of one request, in bytes; a longer one is answered 413.
    pub body_bytes_max: u64,
    /// Header section of one request or response as the guest sees it, in bytes.
    pub header_bytes_max: usize,
    /// Components calling components through `*.spin.internal`: deeper chains are refused as loops.
    pub chain_depth_max: u8,
    /// Limits of requests that guests send.
    pub outbound: OutboundLimits,
}

/// Limits of outbound requests, for each component alone. A guest may ask for shorter times.
#[derive(Clone, Copy, Debug)]
pub struct OutboundLimits {
    /// Name lookup, TCP and TLS.
    pub connect_timeout: Duration,
    /// From the request to the response head.
    pub first_byte_timeout: Duration,
    /// Between two parts of the response body.
    pub between_bytes_timeout: Duration,
    /// Requests in flight; further ones wait, at most as long as connecting may take.
    pub connections_max: usize,
    /// Free connections that are kept for later requests.
    pub idle_connections_max: usize,
    /// How long a free connection is kept; zero keeps none.
    pub idle_connection_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(30),
            queue_timeout: Duration::from_secs(5),
            post_return_timeout: Duration::from_secs(300),
            idle_timeout: Duration::from_secs(10),
            instance_requests_max: 128,
            instances_max: 128,
            memory_bytes_max: 128 << 20,
            body_bytes_max: 16 << 20,
            header_bytes_max: 64 << 10,
            chain_depth_max: 8,
            outbound: OutboundLimits::default(),
        }
    }
}

impl Default for OutboundLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_secs(60),
            between_bytes_timeout: Duration::from_secs(60),
            connections_max: 256,
            idle_connections_max: 32,
            idle_connection_timeout: Duration::from_secs(30),
        }
    }
}
