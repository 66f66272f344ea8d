//! All workspaces of the node: one task for each, woken by a new wish. None of them waits for another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sam_contract::agent::desired::{Desired, DesiredWorkspace};
use sam_contract::agent::observed::ObservedWorkspace;
use sam_contract::ids::WorkspaceId;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::context::Shared;
use crate::docker::container::Of;
use crate::store::Progress;

mod view;
mod workspace;

pub(crate) use view::{Inside, Workspace};

/// The workspaces. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Fleet {
    ctx: Shared,
    all: Arc<Mutex<HashMap<WorkspaceId, Arc<Workspace>>>>,
    /// Ends all tasks, and nothing of what they look after.
    end: CancellationToken,
}

impl Fleet {
    /// Takes up what is on the disk and in Docker: each workspace with its last known wish, so that what should run is
    /// brought up even while the control plane is away.
    pub(crate) async fn restore(ctx: Shared, end: CancellationToken) -> Self {
        let fleet = Self {
            ctx,
            all: Arc::default(),
            end,
        };
        let mut progress: HashMap<WorkspaceId, Progress> = match fleet.ctx.store.progress().await {
            Ok(progress) => progress.into_iter().collect(),
            Err(error) => {
                warn!(%error, "what was written down about workspaces cannot be read");
                HashMap::new()
            }
        };
        let mut found: HashMap<WorkspaceId, Option<DesiredWorkspace>> = match fleet.ctx.places.all() {
            Ok(all) => all.into_iter().collect(),
            Err(error) => {
                warn!(%error, "workspaces on the disk cannot be listed");
                HashMap::new()
            }
        };
        if let Ok(containers) = fleet.ctx.engine.containers(Of::Node).await {
            for id in containers.into_iter().filter_map(|container| container.workspace) {
                found.entry(id).or_insert(None);
            }
        }
        for id in progress.keys() {
            found.entry(*id).or_insert(None);
        }
        for (id, wish) in found {
            fleet.spawn(id, wish, progress.remove(&id));
        }
        fleet
    }

    /// Takes up what the control plane wants: all of it. A workspace that is not in it is nobody's, and is kept.
    pub(crate) fn apply(&self, desired: &Desired) {
        for wish in &desired.workspaces {
            let known = self.lock().get(&wish.id).cloned();
            match known {
                Some(workspace) => workspace.wish(Some(wish.clone())),
                None => self.spawn(wish.id, Some(wish.clone()), None),
            }
        }
        for (id, workspace) in self.lock().iter() {
            if desired.workspaces.iter().all(|wish| wish.id != *id) {
                workspace.wish(None);
            }
        }
        self.ctx.warm.want(&desired.warm);
    }

    /// One workspace.
    pub(crate) fn get(&self, id: WorkspaceId) -> Option<Arc<Workspace>> {
        self.lock().get(&id).cloned()
    }

    /// All of them, for the report.
    pub(crate) fn observed(&self) -> Vec<ObservedWorkspace> {
        let all: Vec<_> = self.lock().values().cloned().collect();
        let mut observed: Vec<_> = all.iter().filter_map(|workspace| workspace.observed()).collect();
        observed.sort_unstable_by_key(|workspace| workspace.id);
        observed
    }

    fn spawn(&self, id: WorkspaceId, wish: Option<DesiredWorkspace>, progress: Option<Progress>) {
        let place = self.ctx.places.find(id);
        let workspace = Arc::new(Workspace::new(id, wish, progress, place));
        self.lock().insert(id, Arc::clone(&workspace));
        let fleet = self.clone();
        tokio::spawn(async move {
            let task = workspace::Task::new(Arc::clone(&fleet.ctx), Arc::clone(&workspace));
            let over = tokio::select! {
                () = task.run() => true,
                () = fleet.end.cancelled() => false,
            };
            if over {
                let mut all = fleet.lock();
                if all.get(&id).is_some_and(|known| Arc::ptr_eq(known, &workspace)) {
                    all.remove(&id);
                }
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<WorkspaceId, Arc<Workspace>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
