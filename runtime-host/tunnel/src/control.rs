//! What the task that drives a tunnel and the WebSocket inside it tell each other, and what both count.

use crate::close::CloseReason;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How a side notices that the other one is gone without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liveness {
    /// Send a WebSocket ping so often; `None` only answers the other side's.
    pub ping_every: Option<Duration>,
    /// Hearing nothing at all for so long ends the tunnel.
    pub silence_max: Duration,
}

impl Liveness {
    /// The edge: pings every 20 s, gives up after 60 s of silence.
    #[must_use]
    pub fn edge() -> Self {
        Self {
            ping_every: Some(Duration::from_secs(20)),
            silence_max: Duration::from_secs(60),
        }
    }

    /// The agent: hears the edge's pings, gives up after 60 s of silence.
    #[must_use]
    pub fn agent() -> Self {
        Self {
            ping_every: None,
            ..Self::edge()
        }
    }

    /// How often to look.
    pub(crate) fn tick(&self) -> Duration {
        self.ping_every
            .unwrap_or(self.silence_max)
            .min(self.silence_max / 3)
            .max(Duration::from_millis(1))
    }
}

/// Bytes and streams of one or many tunnels. Cheap to clone; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Traffic(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    received: AtomicU64,
    streams: AtomicU64,
}

impl Traffic {
    /// Bytes sent in WebSocket messages.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// Bytes received in WebSocket messages.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }

    /// Streams opened so far.
    #[must_use]
    pub fn streams(&self) -> u64 {
        self.0.streams.load(Ordering::Relaxed)
    }

    pub(crate) fn count_sent(&self, bytes: usize) {
        self.0.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_received(&self, bytes: usize) {
        self.0.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_stream(&self) {
        self.0.streams.fetch_add(1, Ordering::Relaxed);
    }
}

/// Shared by the driving task and the pipe that yamux owns. Only that one task polls, so nothing here needs a waker: whoever
/// sets a wish polls the pipe next.
#[derive(Debug)]
pub(crate) struct Control {
    started: Instant,
    /// Milliseconds after `started` at which the other side was last heard.
    heard_ms: AtomicU64,
    pub(crate) wants_ping: AtomicBool,
    close: Mutex<CloseState>,
    pub(crate) traffic: Traffic,
}

#[derive(Debug, Default)]
struct CloseState {
    wanted: Option<CloseReason>,
    received: Option<CloseReason>,
}

impl Control {
    pub(crate) fn new(traffic: Traffic) -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            heard_ms: AtomicU64::new(0),
            wants_ping: AtomicBool::new(false),
            close: Mutex::default(),
            traffic,
        })
    }

    pub(crate) fn heard(&self) {
        let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard_ms.store(ms, Ordering::Relaxed);
    }

    /// For how long nothing was heard.
    pub(crate) fn silence(&self) -> Duration {
        let heard = Duration::from_millis(self.heard_ms.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(heard)
    }

    /// Wants the pipe to say goodbye. The first wish counts.
    pub(crate) fn want_close(&self, reason: CloseReason) {
        self.lock().wanted.get_or_insert(reason);
    }

    pub(crate) fn wanted_close(&self) -> Option<CloseReason> {
        self.lock().wanted.clone()
    }

    pub(crate) fn close_received(&self, reason: CloseReason) {
        self.lock().received.get_or_insert(reason);
    }

    pub(crate) fn received_close(&self) -> Option<CloseReason> {
        self.lock().received.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, CloseState> {
        self.close.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
