//! One workspace as others see it: its wish goes in, what is known about it comes out.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sam_agent_domain::steps::Step;
use sam_agent_terminals::Terminals;
use sam_contract::agent::desired::{DesiredWorkspace, Isolation};
use sam_contract::agent::observed::{Failure, ObservedState, ObservedWorkspace, Port};
use sam_contract::ids::WorkspaceId;
use tokio::sync::watch;

use crate::place::Place;
use crate::store::Progress;

/// One workspace.
pub(crate) struct Workspace {
    /// Which.
    pub id: WorkspaceId,
    wish: watch::Sender<Option<DesiredWorkspace>>,
    view: Mutex<View>,
}

/// What its task knows.
#[derive(Clone, Default)]
pub(super) struct View {
    pub(super) state: Option<ObservedState>,
    pub(super) step: Option<Step>,
    /// The wish that the state is of.
    pub(super) generation: i64,
    pub(super) attempt: i64,
    /// A failure that is not of a step: why a stop or a deletion is not over yet.
    pub(super) trouble: Option<Failure>,
    pub(super) progress: Option<Progress>,
    pub(super) place: Option<Place>,
    pub(super) terminals: Option<Terminals>,
    pub(super) pid: Option<i32>,
    pub(super) ports: Vec<Port>,
    pub(super) branch: Option<String>,
    /// By the server's clock.
    pub(super) active_at: Option<i64>,
    pub(super) terminal_count: u32,
}

/// What is needed to reach into a running workspace.
#[derive(Clone)]
pub(crate) struct Inside {
    /// Its files.
    pub place: Place,
    /// Its terminals, and whatever else is run in it.
    pub terminals: Terminals,
    /// How it is kept apart.
    pub isolation: Isolation,
    /// Its supervisor.
    pub pid: i32,
}

impl Workspace {
    pub(super) fn new(
        id: WorkspaceId,
        wish: Option<DesiredWorkspace>,
        progress: Option<Progress>,
        place: Option<Place>,
    ) -> Self {
        let view = View {
            progress,
            place,
            ..View::default()
        };
        Self {
            id,
            wish: watch::Sender::new(wish),
            view: Mutex::new(view),
        }
    }

    /// What is wanted of it from now on.
    pub(super) fn wish(&self, wish: Option<DesiredWorkspace>) {
        self.wish.send_if_modified(|known| {
            let new = *known != wish;
            *known = wish;
            new
        });
    }

    pub(super) fn wishes(&self) -> watch::Receiver<Option<DesiredWorkspace>> {
        self.wish.subscribe()
    }

    /// What is wanted of it.
    pub(crate) fn wanted(&self) -> Option<DesiredWorkspace> {
        self.wish.borrow().clone()
    }

    /// Its files, running or not.
    pub(crate) fn place(&self) -> Option<Place> {
        self.view().place.clone().filter(|place| place.repo().is_dir())
    }

    /// The way into it, while it runs.
    pub(crate) fn inside(&self) -> Option<Inside> {
        let view = self.view();
        if view.state != Some(ObservedState::Running) {
            return None;
        }
        Some(Inside {
            place: view.place.clone()?,
            terminals: view.terminals.clone()?,
            isolation: view.progress.as_ref()?.isolation?,
            pid: view.pid?,
        })
    }

    /// Somebody works in it.
    pub(crate) fn touch(&self, now_ms: i64) {
        let mut view = self.view();
        view.active_at = view.active_at.max(Some(now_ms));
    }

    /// For the report; none while nothing was found out yet.
    pub(super) fn observed(&self) -> Option<ObservedWorkspace> {
        let view = self.view();
        let state = view.state?;
        let running = state == ObservedState::Running;
        let progress = view.progress.clone().unwrap_or_default();
        let failure = match state {
            ObservedState::Failed => progress.failure,
            _ => view.trouble.clone(),
        };
        Some(ObservedWorkspace {
            id: self.id,
            generation: view.generation,
            attempt: view.attempt,
            state,
            step: view
                .step
                .filter(|_| state == ObservedState::Starting)
                .map(|step| step.name().to_owned()),
            failure,
            isolation: progress.isolation,
            image: progress.image,
            recovery: progress.recovery,
            branch: view.branch.clone(),
            active_at: view.active_at,
            terminals: if running { view.terminal_count } else { 0 },
            ports: if running { view.ports.clone() } else { Vec::new() },
        })
    }

    pub(super) fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
