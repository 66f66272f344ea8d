//! The start of a workspace: the steps, in order, each of which looks first and does only what is missing. So a start may
//! be broken off anywhere and begun again from its beginning.

use sam_agent_domain::reconcile::{Clear, died};
use sam_agent_domain::steps::Step;
use sam_contract::agent::desired::{DesiredWorkspace, Isolation};
use sam_contract::agent::observed::Failure;
use sam_contract::agent::outbox::StepStatus;
use tokio_util::task::AbortOnDropHandle;

use crate::clock::local_ms;
use crate::context::Shared;
use crate::docker::EngineError;
use crate::place::Place;
use crate::steplog::{StepLog, StepLogs};
use crate::store::{Progress, Settled};

pub(crate) mod devcontainer;
pub(crate) mod end;
pub(crate) mod env;
mod files;
pub(crate) mod runtime;

/// One start.
struct Boot<'a> {
    ctx: &'a Shared,
    wish: &'a DesiredWorkspace,
    logs: StepLogs,
    progress: Progress,
    /// The slot was made in advance: its image is here and its container runs.
    warm: bool,
    /// Such a container gets what was not known when it was made, while the clone is under way.
    taking: Option<AbortOnDropHandle<Result<(), EngineError>>>,
    /// Told which step is under way, and what is known so far.
    tell: &'a (dyn Fn(Step, &Progress) + Send + Sync),
}

/// How one step went.
enum Went {
    Done,
    Skipped,
}

/// Brings a workspace up. What became of it is in the answer and already written down; an `Err` in it is a named failure.
pub(crate) async fn boot(
    ctx: &Shared,
    wish: &DesiredWorkspace,
    before: Option<Progress>,
    clear: Clear,
    revival: bool,
    tell: &(dyn Fn(Step, &Progress) + Send + Sync),
) -> Progress {
    let logs = StepLogs::new(ctx.store.clone(), ctx.clock.clone(), wish.id, wish.attempt);
    let before = before.unwrap_or_default();
    let mut boot = Boot {
        ctx,
        wish,
        logs,
        warm: false,
        taking: None,
        progress: Progress {
            attempt: wish.attempt,
            deaths: if revival {
                died(before.deaths, local_ms().saturating_sub(before.ready_ms))
            } else {
                0
            },
            isolation: before.isolation,
            image: before.image.filter(|_| clear != Clear::Container),
            recovery: before.recovery.filter(|_| clear != Clear::Container),
            hooks: before.hooks,
            env: before.env,
            ..Progress::default()
        },
        tell,
    };
    if let Err((step, message)) = boot.run(clear).await {
        tracing::warn!(workspace = %wish.id, step = step.name(), message, "the start failed");
    }
    boot.progress
}

impl Boot<'_> {
    async fn run(&mut self, clear: Clear) -> Result<(), (Step, String)> {
        let log = self.begin(Step::Volume, None);
        let went = self.volume(clear, &log).await;
        let place = self.finish(&log, went)?;
        self.note();

        let log = self.begin(Step::Clone, Some(&place));
        let went = self.clone(&place, &log).await;
        self.finish(&log, went)?;

        self.choose_isolation().await;
        let log = self.begin(Step::Image, Some(&place));
        let went = self.image(&place, &log).await;
        self.finish(&log, went)?;

        let log = self.begin(Step::Container, Some(&place));
        let went = self.container(&place, &log).await;
        self.finish(&log, went)?;

        let log = self.begin(Step::Credentials, Some(&place));
        let went = self.credentials(&place, &log);
        self.finish(&log, went)?;

        let log = self.begin(Step::Env, Some(&place));
        let names: Vec<_> = env::workspace(self.ctx, self.wish)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        log.line(&names.join(" "));
        self.finish(&log, Ok(((), Went::Done)))?;

        let log = self.begin(Step::Hooks, Some(&place));
        let went = self.hooks(&place, &log).await;
        self.finish(&log, went)?;

        let log = self.begin(Step::Ready, Some(&place));
        let went = self.ready(&place).await;
        if went.is_ok() {
            self.progress.settled = Settled::Ready;
            self.progress.ready_ms = local_ms();
        }
        self.finish(&log, went)
    }

    fn begin(&self, step: Step, place: Option<&Place>) -> StepLog {
        (self.tell)(step, &self.progress);
        self.logs.begin(step, place)
    }

    /// Writes down how a step went, with what that means for the start.
    fn finish<T>(&mut self, log: &StepLog, went: Result<(T, Went), String>) -> Result<T, (Step, String)> {
        match went {
            Ok((value, went)) => {
                let status = match went {
                    Went::Done => StepStatus::Done,
                    Went::Skipped => StepStatus::Skipped,
                };
                log.end(status, Some(self.progress.clone()));
                Ok(value)
            }
            Err(message) => {
                log.line(&message);
                self.progress.settled = Settled::Failed;
                self.progress.failure = Some(Failure {
                    step: log.step().name().to_owned(),
                    message: message.clone(),
                });
                log.end(StepStatus::Failed, Some(self.progress.clone()));
                Err((log.step(), message))
            }
        }
    }

    /// Writes down that this attempt has begun.
    fn note(&self) {
        self.ctx
            .store
            .write(None, Some((self.wish.id, Some(self.progress.clone()))));
    }

    /// Docker where it answers, unless the wish says another, or the workspace already is something else.
    async fn choose_isolation(&mut self) {
        if let Some(wanted) = self.wish.isolation {
            self.progress.isolation = Some(wanted);
        }
        if self.progress.isolation.is_none() {
            let docker = self.ctx.engine.version().await.is_some();
            self.progress.isolation = Some(if docker { Isolation::Docker } else { Isolation::Process });
        }
    }
}
