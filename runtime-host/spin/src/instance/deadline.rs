//! When an instance has had its time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::time::Sleep;
use wasmtime_wasi_http::handler::{WorkerExpiration, WorkerStatus};

use super::Occupancy;
use crate::limits::Limits;

/// How often an instance with an open response stream is looked at: its end is not announced to the worker.
const STREAM_CHECK: Duration = Duration::from_secs(10);

/// The deadline of one worker, asked each time the worker has nothing to run.
///
/// There is one timer, armed no later than the deadline and moved only when it fires or is too late. So a busy
/// instance touches the timer about once per idle time-out and not on every request.
pub(crate) struct Deadline {
    occupancy: Arc<Occupancy>,
    limits: Arc<Limits>,
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    pub(super) fn new(occupancy: Arc<Occupancy>, limits: Arc<Limits>) -> Self {
        let timer = Box::pin(tokio::time::sleep(limits.idle_timeout.min(STREAM_CHECK)));
        Self {
            occupancy,
            limits,
            timer,
        }
    }

    /// The end of the present phase; `None` while a response streams.
    fn due(&self, status: WorkerStatus, since: Instant) -> Option<Instant> {
        if status == WorkerStatus::Idle {
            return Some(since + self.limits.idle_timeout);
        }
        match self.occupancy.scope() {
            Some(scope) if !scope.head_sent() => Some(since + self.limits.request_timeout),
            Some(scope) => scope
                .body_ended()
                .map(|ended| ended.max(since) + self.limits.post_return_timeout),
            None => Some(since + self.limits.post_return_timeout),
        }
    }
}

impl WorkerExpiration for Deadline {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, since: Instant) -> Poll<()> {
        let asks_again = self.occupancy.asks_again();
        if status == WorkerStatus::Idle && self.occupancy.guest_is_done() && !asks_again {
            // The worker must ask once more whether it may take a request, or it would wait for an event of the guest.
            cx.waker().wake_by_ref();
        }
        let due = self.due(status, since);
        if let Some(due) = due
            && self.timer.deadline() > due.into()
        {
            self.timer.as_mut().reset(due.into());
        }
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            match due {
                Some(due) if due <= now => {
                    self.occupancy.expire();
                    return Poll::Ready(());
                }
                Some(due) => self.timer.as_mut().reset(due.into()),
                None => self.timer.as_mut().reset((now + STREAM_CHECK).into()),
            }
        }
    }
}
