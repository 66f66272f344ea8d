//! The task of one workspace: look, decide, do; again when the wish changes, when a job has ended, and now and then.

use std::sync::Arc;
use std::time::Duration;

use sam_agent_domain::backoff::jittered;
use sam_agent_domain::reconcile::{Decision, Facts, Goal, Job, Runtime, State, Wish, continues, decide};
use sam_agent_domain::steps::Step;
use sam_agent_terminals::{State as TerminalState, Terminals};
use sam_contract::agent::desired::{DesiredState, DesiredWorkspace, Isolation};
use sam_contract::agent::observed::{Failure, ObservedState};
use sam_contract::agent::outbox::StepStatus;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::view::Workspace;
use crate::boot::{boot, end};
use crate::clock::unit;
use crate::context::{Shared, supervisor_pid};
use crate::steplog::StepLogs;
use crate::store::{Progress, Settled};

/// How often a running workspace is looked at: a dead container is noticed so soon.
const LOOK_RUNNING: Duration = Duration::from_secs(2);
/// How often one at rest is.
const LOOK_RESTING: Duration = Duration::from_secs(20);
/// Ports, terminals and the branch are looked at every so many looks.
const DETAILS_EVERY: u32 = 2;

/// The task.
pub(super) struct Task {
    ctx: Shared,
    workspace: Arc<Workspace>,
    wishes: watch::Receiver<Option<DesiredWorkspace>>,
    failures: u32,
    looks: u32,
}

impl Task {
    pub(super) fn new(ctx: Shared, workspace: Arc<Workspace>) -> Self {
        let wishes = workspace.wishes();
        Self {
            ctx,
            workspace,
            wishes,
            failures: 0,
            looks: 0,
        }
    }

    /// Until nothing of the workspace is left and nobody wants it.
    pub(super) async fn run(mut self) {
        if let Some(place) = self.workspace.place()
            && let Err(error) = self.ctx.credentials.open(self.workspace.id, &place, &self.ctx.control)
        {
            warn!(workspace = %self.workspace.id, %error, "its credentials' socket cannot be opened");
        }
        loop {
            let wish = self.wishes.borrow_and_update().clone();
            let facts = self.look(wish.as_ref()).await;
            match decide(&facts) {
                Decision::Rest(state) => {
                    let nothing = !facts.files && facts.record.is_none() && facts.runtime == Runtime::Absent;
                    if wish.is_none() && nothing {
                        return;
                    }
                    self.rest(state, wish.as_ref()).await;
                }
                Decision::GiveUp => self.give_up(),
                Decision::Begin(job) => {
                    if let Some(wish) = wish {
                        self.work(job, wish).await;
                    }
                }
            }
        }
    }

    /// What is there now.
    async fn look(&self, wish: Option<&DesiredWorkspace>) -> Facts {
        let (place, progress) = {
            let mut view = self.workspace.view();
            view.place = self.ctx.places.find(self.workspace.id);
            (view.place.clone(), view.progress.clone())
        };
        let pid = match &place {
            Some(place) => supervisor_pid(place).await,
            None => None,
        };
        let runtime = match pid {
            Some(_) => Runtime::Alive,
            None => self.look_in_docker(place.is_some(), progress.as_ref()).await,
        };
        let mut view = self.workspace.view();
        view.pid = pid;
        if pid.is_some() && view.terminals.is_none() {
            view.terminals = place.as_ref().map(|place| Terminals::new(place.supervisor()));
        }
        Facts {
            wish: wish.map(wanted),
            record: progress.as_ref().map(Progress::record),
            runtime,
            files: place.is_some(),
        }
    }

    async fn look_in_docker(&self, files: bool, progress: Option<&Progress>) -> Runtime {
        let isolation = progress.and_then(|progress| progress.isolation);
        if isolation == Some(Isolation::Process) {
            return Runtime::Absent;
        }
        let place = self.workspace.view().place.clone();
        match end::containers(&self.ctx, self.workspace.id, place.as_ref()).await {
            Ok(containers) if containers.is_empty() => Runtime::Absent,
            Ok(_) => Runtime::Stopped,
            // An engine that does not answer says nothing about what exists, if anything of the workspace does.
            Err(_) if files || isolation == Some(Isolation::Docker) => Runtime::Unknown,
            Err(_) => Runtime::Absent,
        }
    }

    /// Reports, and waits for a reason to look again.
    async fn rest(&mut self, state: State, wish: Option<&DesiredWorkspace>) {
        self.failures = 0;
        let observed = match state {
            State::Running => ObservedState::Running,
            State::Stopped => ObservedState::Stopped,
            State::Failed => ObservedState::Failed,
            State::Deleted => ObservedState::Deleted,
            State::Orphan => ObservedState::Orphan,
            State::Unknown => ObservedState::Unknown,
        };
        self.tell(observed, None, wish, None);
        let pause = if state == State::Running {
            if self.looks.is_multiple_of(DETAILS_EVERY) {
                self.details().await;
            }
            self.looks = self.looks.wrapping_add(1);
            LOOK_RUNNING
        } else {
            LOOK_RESTING
        };
        let _ = timeout(pause, self.wishes.changed()).await;
    }

    /// Ports, terminals, activity, branch.
    async fn details(&self) {
        let Some(inside) = self.workspace.inside() else { return };
        let (pid, repo) = (inside.pid, inside.place.repo());
        let scan = tokio::task::spawn_blocking(move || (crate::ports::scan(pid), crate::git::branch(&repo)));
        let (ports, branch) = scan.await.unwrap_or_default();
        let terminals = inside.terminals.list().await.unwrap_or_default();
        let input = inside.terminals.last_input_ms().await.ok().flatten();
        let running = terminals
            .iter()
            .filter(|terminal| terminal.state == TerminalState::Running)
            .count();
        let mut view = self.workspace.view();
        let before = (view.ports.clone(), view.branch.clone(), view.terminal_count);
        view.ports = ports;
        view.branch = branch;
        view.terminal_count = u32::try_from(running).unwrap_or(u32::MAX);
        view.active_at = view.active_at.max(input.map(|at| self.ctx.clock.of_local(at)));
        if before != (view.ports.clone(), view.branch.clone(), view.terminal_count) {
            self.ctx.changed.notify_one();
        }
    }

    /// Does a job, unless the wish moves on meanwhile.
    async fn work(&mut self, job: Job, wish: DesiredWorkspace) {
        let started = Instant::now();
        info!(workspace = %self.workspace.id, ?job, "begins");
        let result = {
            let mut wishes = self.wishes.clone();
            let moved_on = async {
                loop {
                    if wishes.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                    if !continues(&job, wishes.borrow().as_ref().map(wanted).as_ref()) {
                        return;
                    }
                }
            };
            tokio::select! {
                result = self.act(job, &wish) => Some(result),
                () = moved_on => None,
            }
        };
        match result {
            None => info!(workspace = %self.workspace.id, ?job, "is given up: something newer is wanted"),
            Some(Ok(())) => {
                self.failures = 0;
                info!(workspace = %self.workspace.id, ?job, took_ms = started.elapsed().as_millis(), "is over");
            }
            Some(Err(message)) => {
                warn!(workspace = %self.workspace.id, ?job, message, "did not succeed; it is tried again");
                let step = if job == Job::Delete { "delete" } else { "stop" };
                let state = if job == Job::Delete {
                    ObservedState::Deleting
                } else {
                    ObservedState::Stopping
                };
                let trouble = Failure {
                    step: step.to_owned(),
                    message,
                };
                self.tell(state, None, Some(&wish), Some(trouble));
                let pause = jittered(self.failures, Duration::from_secs(1), Duration::from_secs(60), unit());
                self.failures = self.failures.saturating_add(1);
                let _ = timeout(pause.max(Duration::from_millis(200)), self.wishes.changed()).await;
            }
        }
    }

    async fn act(&self, job: Job, wish: &DesiredWorkspace) -> Result<(), String> {
        let id = self.workspace.id;
        match job {
            Job::Start { clear, revival, .. } => {
                let before = self.workspace.view().progress.clone();
                let tell = |step: Step, progress: &Progress| {
                    self.workspace.view().progress = Some(progress.clone());
                    self.tell(ObservedState::Starting, Some(step), Some(wish), None);
                };
                let progress = boot(&self.ctx, wish, before, clear, revival, &tell).await;
                let failed = progress.settled == Settled::Failed;
                self.workspace.view().progress = Some(progress);
                if failed {
                    // What is written down first: the report is of something that survives a crash.
                    self.ctx.store.flush().await.map_err(|error| error.to_string())?;
                }
                Ok(())
            }
            Job::Stop => {
                self.tell(ObservedState::Stopping, None, Some(wish), None);
                let place = self.ctx.places.find(id);
                end::stop(&self.ctx, id, place.as_ref()).await?;
                let progress = self.workspace.view().progress.clone();
                if let Some(mut progress) = progress {
                    progress.settled = Settled::Stopped;
                    self.ctx.store.write(None, Some((id, Some(progress.clone()))));
                    self.ctx.store.flush().await.map_err(|error| error.to_string())?;
                    self.workspace.view().progress = Some(progress);
                }
                self.workspace.view().terminals = None;
                Ok(())
            }
            Job::Delete => {
                self.tell(ObservedState::Deleting, None, Some(wish), None);
                end::delete(&self.ctx, id).await?;
                let mut view = self.workspace.view();
                view.progress = None;
                view.place = None;
                view.terminals = None;
                Ok(())
            }
        }
    }

    /// The container dies again and again: that is a failed start.
    fn give_up(&self) {
        let Some(mut progress) = self.workspace.view().progress.clone() else {
            return;
        };
        let message = format!(
            "what runs in the workspace has ended {} times in a row; look at its container's log, then restart or rebuild it",
            progress.deaths
        );
        progress.settled = Settled::Failed;
        progress.failure = Some(Failure {
            step: Step::Container.name().to_owned(),
            message: message.clone(),
        });
        let logs = StepLogs::new(
            self.ctx.store.clone(),
            self.ctx.clock.clone(),
            self.workspace.id,
            progress.attempt,
        );
        let log = logs.begin(Step::Container, self.workspace.place().as_ref());
        log.line(&message);
        log.end(StepStatus::Failed, Some(progress.clone()));
        self.workspace.view().progress = Some(progress);
    }

    /// What is reported from now on.
    fn tell(
        &self,
        state: ObservedState,
        step: Option<Step>,
        wish: Option<&DesiredWorkspace>,
        trouble: Option<Failure>,
    ) {
        let mut view = self.workspace.view();
        let spec = view
            .place
            .as_ref()
            .filter(|_| wish.is_none())
            .and_then(crate::place::Place::spec);
        let (generation, attempt) = wish
            .or(spec.as_ref())
            .map_or((0, 0), |wish| (wish.generation, wish.attempt));
        let new = (Some(state), step, generation, attempt, trouble);
        let old = (
            view.state,
            view.step,
            view.generation,
            view.attempt,
            view.trouble.clone(),
        );
        if new != old {
            (view.state, view.step, view.generation, view.attempt, view.trouble) = new;
            drop(view);
            self.ctx.changed.notify_one();
        }
    }
}

fn wanted(wish: &DesiredWorkspace) -> Wish {
    Wish {
        goal: match wish.state {
            DesiredState::Running => Goal::Running,
            DesiredState::Stopped => Goal::Stopped,
            DesiredState::Deleted => Goal::Deleted,
            DesiredState::Unknown => Goal::Unknown,
        },
        attempt: wish.attempt,
        rebuild: wish.rebuild,
    }
}
