//! What the steps of a start tell: each has a log file on the node, and entries of the outbox with its end.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sam_agent_domain::steps::Step;
use sam_contract::agent::outbox::{Entry, Step as StepEntry, StepStatus, TAIL_BYTES_MAX, What};
use sam_contract::ids::WorkspaceId;

use crate::clock::Clock;
use crate::place::Place;
use crate::store::{Progress, Store};

/// A log file is cut there: a build that prints for ever must not fill the disk.
const LOG_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Passing states are told twice a second at most.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// Tells about the steps of one attempt.
#[derive(Clone)]
pub(crate) struct StepLogs {
    store: Store,
    clock: Clock,
    workspace: WorkspaceId,
    attempt: i64,
}

/// One step under way.
#[derive(Clone)]
pub(crate) struct StepLog {
    logs: StepLogs,
    step: Step,
    started_at: i64,
    /// What is learned of the server's clock meanwhile must not make a step last longer, or less than nothing.
    began: Instant,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    file: Option<File>,
    written: u64,
    tail: VecDeque<u8>,
    percent: Option<u8>,
    told: Instant,
    /// Something is new since it was told, and a timer runs that will tell it.
    timer: bool,
    ended: bool,
}

impl StepLogs {
    /// For one attempt.
    pub(crate) fn new(store: Store, clock: Clock, workspace: WorkspaceId, attempt: i64) -> Self {
        Self {
            store,
            clock,
            workspace,
            attempt,
        }
    }

    /// A step begins. Its log file is begun anew; without a place (before there is one) there is no file.
    pub(crate) fn begin(&self, step: Step, place: Option<&Place>) -> StepLog {
        let open = |place: &Place| {
            let path = place.log(self.attempt, step.name());
            fs::create_dir_all(path.parent()?).ok()?;
            File::create(path).ok()
        };
        let log = StepLog {
            logs: self.clone(),
            step,
            started_at: self.clock.now_ms(),
            began: Instant::now(),
            inner: Arc::new(Mutex::new(Inner {
                file: place.and_then(open),
                written: 0,
                tail: VecDeque::new(),
                percent: None,
                told: Instant::now(),
                timer: false,
                ended: false,
            })),
        };
        self.store
            .write(Some(log.entry(StepStatus::Running, &log.lock())), None);
        log
    }
}

impl StepLog {
    /// The step.
    pub(crate) fn step(&self) -> Step {
        self.step
    }

    /// A line of the log.
    pub(crate) fn line(&self, text: &str) {
        self.bytes(text.as_bytes());
        self.bytes(b"\n");
    }

    /// A piece of the log.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        let mut inner = self.lock();
        inner.keep(bytes);
        self.tell(&mut inner);
    }

    /// How far it is.
    pub(crate) fn percent(&self, percent: u8) {
        let mut inner = self.lock();
        if inner.percent.is_none_or(|before| before < percent) {
            inner.percent = Some(percent);
            self.tell(&mut inner);
        }
    }

    /// It is over; `progress` is what that means, and is written down with it.
    pub(crate) fn end(&self, status: StepStatus, progress: Option<Progress>) {
        let mut inner = self.lock();
        if inner.ended {
            return;
        }
        inner.ended = true;
        if status == StepStatus::Done && inner.percent.is_some() {
            inner.percent = Some(100);
        }
        let entry = self.entry(status, &inner);
        let progress = progress.map(|progress| (self.logs.workspace, Some(progress)));
        self.logs.store.write(Some(entry), progress);
    }

    /// Tells what is new, now or when it may.
    fn tell(&self, inner: &mut Inner) {
        if inner.ended || inner.timer {
            return;
        }
        let since = inner.told.elapsed();
        if since >= TELL_EVERY {
            inner.told = Instant::now();
            self.logs
                .store
                .write(Some(self.entry(StepStatus::Running, inner)), None);
            return;
        }
        inner.timer = true;
        let this = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(TELL_EVERY.saturating_sub(since)).await;
            let mut inner = this.lock();
            inner.timer = false;
            inner.told = Instant::now();
            if !inner.ended {
                this.logs
                    .store
                    .write(Some(this.entry(StepStatus::Running, &inner)), None);
            }
        });
    }

    fn entry(&self, status: StepStatus, inner: &Inner) -> Entry {
        let ended = status != StepStatus::Running;
        let elapsed = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let tail: Vec<u8> = inner.tail.iter().copied().collect();
        Entry {
            id: self.logs.clock.id(),
            at: self.logs.clock.now_ms(),
            what: What::Step(StepEntry {
                workspace: self.logs.workspace,
                attempt: self.logs.attempt,
                n: self.step.number(),
                name: self.step.name().to_owned(),
                status,
                started_at: self.started_at,
                ended_at: ended.then(|| self.started_at.saturating_add(elapsed)),
                percent: inner.percent,
                tail: String::from_utf8_lossy(&tail).trim_start_matches('\u{fffd}').to_owned(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn keep(&mut self, bytes: &[u8]) {
        // Replacement characters may make the text longer than its bytes: a third of the limit always fits.
        self.tail.extend(bytes);
        let excess = self.tail.len().saturating_sub(TAIL_BYTES_MAX / 3);
        self.tail.drain(..excess);
        let Some(file) = &mut self.file else { return };
        let room = usize::try_from(LOG_BYTES_MAX.saturating_sub(self.written)).unwrap_or(usize::MAX);
        let (part, rest) = bytes.split_at(bytes.len().min(room));
        let mut failed = file.write_all(part).is_err();
        if !rest.is_empty() {
            failed |= file.write_all(b"\n[the log was cut here: it is too long]\n").is_err();
        }
        self.written = self
            .written
            .saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
        if failed || !rest.is_empty() {
            self.file = None;
        }
    }
}
