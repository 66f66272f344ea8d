//! The steps about files: the slot, the clone, the credentials' socket.

use sam_agent_domain::reconcile::Clear;
use sam_contract::agent::desired::Isolation;
use tokio_util::task::AbortOnDropHandle;

use super::runtime::take_over;
use super::{Boot, Went};
use crate::boot::end;
use crate::git;
use crate::place::Place;
use crate::steplog::StepLog;

/// With less than this on the disk no start is begun: a full disk stops every workspace of the node.
const DISK_FREE_MIN: u64 = 256 * 1024 * 1024;

impl Boot<'_> {
    /// The slot: the workspace's own, else one made in advance, else a new one.
    pub(super) async fn volume(&mut self, clear: Clear, log: &StepLog) -> Result<(Place, Went), String> {
        let ctx = self.ctx;
        let disk =
            rustix::fs::statvfs(ctx.state.root()).map_err(|error| format!("the disk cannot be looked at: {error}"))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < DISK_FREE_MIN {
            return Err(format!(
                "only {} MiB are free on the node's disk: make room, then retry",
                free / 1024 / 1024
            ));
        }
        let failed = |error: std::io::Error| format!("the workspace's folder cannot be made: {error}");
        if let Some(place) = ctx.places.find(self.wish.id) {
            if !place.dir().exists() {
                return Err("the workspace's folder is gone from the node; delete the workspace".to_owned());
            }
            place.set_spec(self.wish).map_err(failed)?;
            if clear != Clear::Nothing {
                log.line("ending what ran before");
                end::stop(ctx, self.wish.id, Some(&place)).await?;
            }
            if clear == Clear::Container {
                log.line("removing the container");
                end::remove_containers(ctx, self.wish.id, Some(&place)).await?;
            }
            self.open_socket(&place)?;
            log.line(&format!("kept: {}", place.dir().display()));
            return Ok((place, Went::Done));
        }
        let place = match ctx.warm.take(ctx, self.wish).await {
            Some(place) => {
                self.warm = true;
                self.progress.isolation = Some(Isolation::Docker);
                let taking = take_over(ctx.engine.clone(), place.slot(), self.wish.id, self.wish.limits);
                self.taking = Some(AbortOnDropHandle::new(tokio::spawn(taking)));
                place
            }
            None => ctx.places.make(&ctx.clock).map_err(failed)?,
        };
        ctx.places.adopt(&place, self.wish).map_err(failed)?;
        self.open_socket(&place)?;
        log.line(&format!("made: {}", place.dir().display()));
        Ok((place, Went::Done))
    }

    /// The repository. Once it is whole it is never touched again.
    pub(super) async fn clone(&self, place: &Place, log: &StepLog) -> Result<((), Went), String> {
        if place.cloned() {
            log.line("the working copy is kept");
            return Ok(((), Went::Done));
        }
        let failed = |error: std::io::Error| format!("the working copy cannot be prepared: {error}");
        let Some(repository) = &self.wish.repository else {
            place.set_cloned().map_err(failed)?;
            log.line("an empty workspace");
            return Ok(((), Went::Skipped));
        };
        let empty = place.clone();
        tokio::task::spawn_blocking(move || git::clone::end_leftovers(&empty).and_then(|()| empty.empty_repo()))
            .await
            .map_err(|error| error.to_string())?
            .map_err(failed)?;
        git::clone::clone(&self.ctx.state, place, repository, log).await?;
        place.set_cloned().map_err(failed)?;
        Ok(((), Went::Done))
    }

    /// The socket on which git asks.
    pub(super) fn credentials(&self, place: &Place, log: &StepLog) -> Result<((), Went), String> {
        self.open_socket(place)?;
        let private = self
            .wish
            .repository
            .as_ref()
            .is_some_and(|repository| repository.has_credential);
        if private {
            log.line("git asks the control plane for credentials, each time it needs them");
            return Ok(((), Went::Done));
        }
        Self::skipped(log, "the workspace has no credential")
    }

    fn open_socket(&self, place: &Place) -> Result<(), String> {
        let opened = self.ctx.credentials.open(self.wish.id, place, &self.ctx.control);
        opened.map_err(|error| format!("the credentials' socket cannot be opened: {error}"))
    }

    /// Ends a step that is of no use in this kind of workspace.
    pub(super) fn skipped(log: &StepLog, why: &str) -> Result<((), Went), String> {
        log.line(why);
        Ok(((), Went::Skipped))
    }
}
