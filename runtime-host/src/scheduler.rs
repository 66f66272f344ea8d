//! Runs background work: whatever queue has something to do, its component is called, soon and not twice at once.
//!
//! Two things tell that a queue has work: a wake (`x-sam-wake: work:<queue>` on any response), which is fast and may be
//! lost, and the tick, which asks `ops` each second and alone is enough. Each queue is called by a task of its own, so one
//! that hangs delays no other. One task owns all state; everything else reaches it as an [`Event`].

mod counters;
mod queue;

use crate::work::{CallError, Components};
use counters::Counters;
use prometheus_client::registry::Registry;
use queue::{Outcome, QueueState};
use sam_contract::http::work::{Due, DueQueue, Worked};
use sam_contract::queues;
use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// How often `ops` is asked.
const TICK: Duration = Duration::from_secs(1);
/// A call that takes longer is given up, so that its queue is called again. Guests are stopped much earlier; this is for
/// an answer that never ends.
const CALL_MAX: Duration = Duration::from_secs(120);
/// So many wakes may wait for the owner of the state; more are dropped, and the tick finds their work.
const WAKES_MAX: usize = 1024;

/// What the scheduler calls. [`Components`] in life, a closure's friend in tests.
pub trait Work: Clone + Send + Sync + 'static {
    /// Which queues have something to do, and how all of them fare.
    fn due(&self) -> impl Future<Output = Result<Due, CallError>> + Send;
    /// One call of a queue's worker.
    fn work(&self, queue: &DueQueue) -> impl Future<Output = Result<Worked, CallError>> + Send;
}

impl Work for Components {
    async fn due(&self) -> Result<Due, CallError> {
        Components::due(self).await
    }

    async fn work(&self, queue: &DueQueue) -> Result<Worked, CallError> {
        Components::work(self, queue).await
    }
}

enum Event {
    /// `ops` answered the tick.
    Due(Result<Due, String>),
    /// A queue's call ended.
    Worked(DueQueue, Result<Worked, String>),
}

/// The scheduler before it runs: its wakes can be given away already.
pub struct Scheduler {
    wakes: mpsc::Sender<String>,
    woken: mpsc::Receiver<String>,
    counters: Counters,
}

impl Default for Scheduler {
    fn default() -> Self {
        let (wakes, woken) = mpsc::channel(WAKES_MAX);
        Self {
            wakes,
            woken,
            counters: Counters::default(),
        }
    }
}

impl Scheduler {
    /// A function that wakes a queue by its name; it never waits.
    pub fn waker(&self) -> impl Fn(&str) + Send + Sync + 'static {
        let wakes = self.wakes.clone();
        move |queue| {
            if wakes.try_send(queue.to_owned()).is_err() {
                debug!(queue, "a wake was dropped; the tick will find its work");
            }
        }
    }

    /// What the scheduler counts (`sam_scheduler_…`), and how the queues fare (`sam_queue_…`).
    pub fn register(&self, registry: &mut Registry) {
        self.counters.register(registry);
    }

    /// Runs until `shutdown`, then waits for the calls in flight.
    pub async fn run(self, work: impl Work, shutdown: CancellationToken) {
        let Self {
            wakes: _keeps_channel_open,
            mut woken,
            counters,
        } = self;
        let mut owner = Owner {
            work,
            counters,
            queues: HashMap::new(),
            asking: QueueState::default(),
            calls: JoinSet::new(),
        };
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(ended) = owner.calls.join_next() => match ended {
                    Ok(event) => owner.apply(event),
                    // Calls do not panic; if one did, its queue stays marked as running and this line says so.
                    Err(error) => warn!(%error, "a scheduler call broke"),
                },
                Some(queue) = woken.recv() => owner.wake(&queue),
                _ = tick.tick() => owner.tick(),
            }
        }
        while owner.calls.join_next().await.is_some() {}
    }
}

struct Owner<W> {
    work: W,
    counters: Counters,
    queues: HashMap<String, QueueState>,
    /// The call of `/_work/due` follows the same rules as that of a queue: one at a time, slower after failures.
    asking: QueueState,
    calls: JoinSet<Event>,
}

impl<W: Work> Owner<W> {
    fn tick(&mut self) {
        if self.asking.due(Instant::now()) {
            let work = self.work.clone();
            self.calls.spawn(async move { Event::Due(within(work.due()).await) });
        }
    }

    fn wake(&mut self, queue: &str) {
        let Some(known) = queues::find(queue) else {
            warn!(queue, "a response wakes a queue that is not in the table of queues");
            return;
        };
        self.counters.wake(known.name);
        let queue = DueQueue {
            queue: known.name.to_owned(),
            component: known.component.to_owned(),
        };
        if self
            .queues
            .entry(queue.queue.clone())
            .or_default()
            .woken(Instant::now())
        {
            self.call(queue);
        }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Due(Ok(due)) => {
                self.counters.tick("ok");
                self.asking.ended(Outcome::Idle, Instant::now());
                self.counters.health(&due.health);
                for queue in due.queues {
                    if self.queues.entry(queue.queue.clone()).or_default().due(Instant::now()) {
                        self.call(queue);
                    }
                }
            }
            Event::Due(Err(error)) => {
                self.counters.tick("failed");
                self.asking.ended(Outcome::Failed, Instant::now());
                warn!(%error, failures = self.asking.failures(), "ops cannot say which queues are due");
            }
            Event::Worked(queue, result) => {
                let outcome = self.outcome(&queue, result);
                let again = self
                    .queues
                    .entry(queue.queue.clone())
                    .or_default()
                    .ended(outcome, Instant::now());
                if again {
                    self.call(queue);
                }
            }
        }
    }

    fn outcome(&self, queue: &DueQueue, result: Result<Worked, String>) -> Outcome {
        self.counters.worked(&queue.queue, result.as_ref().ok());
        match result {
            // `more` without progress would be a busy loop; the tick comes back to it.
            Ok(worked) if worked.more && worked.done + worked.failed > 0 => Outcome::More,
            Ok(_) => Outcome::Idle,
            Err(error) => {
                warn!(queue = queue.queue, component = queue.component, %error, "a queue's work failed as a whole");
                Outcome::Failed
            }
        }
    }

    fn call(&mut self, queue: DueQueue) {
        let work = self.work.clone();
        self.calls.spawn(async move {
            let result = within(work.work(&queue)).await;
            Event::Worked(queue, result)
        });
    }
}

async fn within<T>(call: impl Future<Output = Result<T, CallError>>) -> Result<T, String> {
    match timeout(CALL_MAX, call).await {
        Ok(result) => result.map_err(|error| match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        }),
        Err(_) => Err(format!("no answer within {} s", CALL_MAX.as_secs())),
    }
}

#[cfg(test)]
mod tests;
