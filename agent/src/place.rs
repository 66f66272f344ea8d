//! Where a workspace's files are: a *slot*, a folder of its own, with a link from the workspace's id to it.
//!
//! ```text
//! slots/<slot>/
//!   spec.json      the newest wish; without it the slot belongs to nobody yet
//!   repo/          the working copy (`/workspace` in a container)
//!   home/          HOME of plain processes
//!   run/           sockets (`/.sam/run` in a container)
//!   boot/<attempt>/<step>.log
//!   cloned         the clone is whole: from now on `repo/` is the user's and is never emptied
//! workspaces/<id> → ../slots/<slot>
//! ```
//!
//! The link is what makes a container that was made in advance adoptable: its mounts name the slot, and stay as they are.
//! A slot without `spec.json` is empty and nobody's; one with `spec.json` but without a link is linked again.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use sam_contract::agent::desired::DesiredWorkspace;
use sam_contract::ids::{EventId, WorkspaceId};

use crate::clock::Clock;
use crate::state::{StateDir, write_atomically};

/// A slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    dir: PathBuf,
}

impl Place {
    /// Its name, also a label of its container.
    pub(crate) fn slot(&self) -> String {
        self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The working copy.
    pub(crate) fn repo(&self) -> PathBuf {
        self.dir.join("repo")
    }

    /// HOME of plain processes.
    pub(crate) fn home(&self) -> PathBuf {
        self.dir.join("home")
    }

    /// Sockets.
    pub(crate) fn run(&self) -> PathBuf {
        self.dir.join("run")
    }

    /// The supervisor's socket.
    pub(crate) fn supervisor(&self) -> PathBuf {
        self.run().join("supervisor.sock")
    }

    /// The log of a step.
    pub(crate) fn log(&self, attempt: i64, step: &str) -> PathBuf {
        self.dir.join(format!("boot/{attempt}/{step}.log"))
    }

    /// The newest attempt that has a log.
    pub(crate) fn newest_attempt(&self) -> Option<i64> {
        let entries = fs::read_dir(self.dir.join("boot")).ok()?;
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .max()
    }

    /// Whether the clone is whole.
    pub(crate) fn cloned(&self) -> bool {
        self.dir.join("cloned").exists()
    }

    /// The clone is whole.
    pub(crate) fn set_cloned(&self) -> io::Result<()> {
        write_atomically(&self.dir.join("cloned"), b"", 0o600)
    }

    /// The newest wish that was written down.
    pub(crate) fn spec(&self) -> Option<DesiredWorkspace> {
        serde_json::from_slice(&fs::read(self.dir.join("spec.json")).ok()?).ok()
    }

    /// Writes the wish down.
    pub(crate) fn set_spec(&self, spec: &DesiredWorkspace) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(spec).map_err(io::Error::other)?;
        write_atomically(&self.dir.join("spec.json"), &text, 0o600)
    }

    /// Empties the working copy before a clone is begun anew. Refused once it is the user's.
    pub(crate) fn empty_repo(&self) -> io::Result<()> {
        if self.cloned() {
            return Err(io::Error::other("the working copy is in use"));
        }
        for entry in fs::read_dir(self.repo())? {
            let path = entry?.path();
            if fs::symlink_metadata(&path)?.is_dir() {
                fs::remove_dir_all(&path)?;
            } else {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

/// All slots of a state directory.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    state: StateDir,
}

impl Places {
    /// Of that directory.
    pub(crate) fn new(state: StateDir) -> Self {
        Self { state }
    }

    fn link(&self, id: WorkspaceId) -> PathBuf {
        self.state.workspaces().join(id.to_string())
    }

    /// The workspace's slot, if it has one. A link whose slot is gone still counts: its deletion is not over.
    pub(crate) fn find(&self, id: WorkspaceId) -> Option<Place> {
        let target = fs::read_link(self.link(id)).ok()?;
        let slot = target.file_name()?;
        Some(Place {
            dir: self.state.slots().join(slot),
        })
    }

    /// A new slot that is nobody's.
    pub(crate) fn make(&self, clock: &Clock) -> io::Result<Place> {
        let dir = self.state.slots().join(clock.id::<EventId>().to_string());
        let place = Place { dir };
        DirBuilder::new().mode(0o700).create(&place.dir)?;
        // The folders are entered from inside a container, possibly by another user than root.
        for folder in [place.repo(), place.home(), place.run()] {
            DirBuilder::new().mode(0o755).create(folder)?;
        }
        Ok(place)
    }

    /// Gives a slot to a workspace.
    pub(crate) fn adopt(&self, place: &Place, spec: &DesiredWorkspace) -> io::Result<()> {
        place.set_spec(spec)?;
        symlink(Path::new("../slots").join(place.slot()), self.link(spec.id))?;
        fs::File::open(self.state.workspaces())?.sync_all()
    }

    /// Every workspace that has a slot, with the wish that was written down last. Links that a crash kept from being
    /// made are made.
    pub(crate) fn all(&self) -> io::Result<Vec<(WorkspaceId, Option<DesiredWorkspace>)>> {
        for entry in fs::read_dir(self.state.slots())?.flatten() {
            let place = Place { dir: entry.path() };
            if let Some(spec) = place.spec()
                && fs::symlink_metadata(self.link(spec.id)).is_err()
            {
                symlink(Path::new("../slots").join(place.slot()), self.link(spec.id))?;
            }
        }
        let mut all = Vec::new();
        for entry in fs::read_dir(self.state.workspaces())?.flatten() {
            if let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
                all.push((id, self.find(id).and_then(|place| place.spec())));
            }
        }
        Ok(all)
    }

    /// Slots that are nobody's.
    pub(crate) fn spare(&self) -> Vec<Place> {
        let entries = fs::read_dir(self.state.slots()).into_iter().flatten().flatten();
        let places = entries.map(|entry| Place { dir: entry.path() });
        places.filter(|place| !place.dir.join("spec.json").exists()).collect()
    }

    /// Removes a slot that is nobody's, unless there is something in it after all.
    pub(crate) fn discard(&self, place: &Place) -> io::Result<()> {
        let linked = fs::read_dir(self.state.workspaces())?
            .flatten()
            .any(|entry| fs::read_link(entry.path()).is_ok_and(|to| to.ends_with(place.slot())));
        let used = place.dir.join("spec.json").exists() || place.cloned() || linked;
        if used || fs::read_dir(place.repo()).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(io::Error::other("the slot is in use"));
        }
        fs::remove_dir_all(&place.dir)
    }

    /// Removes a workspace's slot and link; the link goes last, so that a crash in between is noticed.
    pub(crate) fn remove(&self, id: WorkspaceId) -> io::Result<()> {
        let Some(place) = self.find(id) else { return Ok(()) };
        let absent = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        };
        fs::remove_dir_all(&place.dir).or_else(absent)?;
        fs::remove_file(self.link(id)).or_else(absent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sam_contract::agent::desired::{DesiredState, Limits};
    use sam_contract::ids::Id;

    fn spec(n: u128) -> DesiredWorkspace {
        DesiredWorkspace {
            id: WorkspaceId::from_parts(1, n),
            generation: 1,
            attempt: 1,
            rebuild: false,
            state: DesiredState::Running,
            name: String::new(),
            repository: None,
            isolation: None,
            image: None,
            limits: Limits::default(),
        }
    }

    #[test]
    fn a_crash_between_spec_and_link_is_mended_and_nothing_in_use_is_discarded() {
        let root = tempfile::tempdir().unwrap();
        let places = Places::new(StateDir::open(root.path()).unwrap());
        let (spare, half, used) = {
            let make = || places.make(&Clock::default()).unwrap();
            (make(), make(), make())
        };
        half.set_spec(&spec(1)).unwrap();
        places.adopt(&used, &spec(2)).unwrap();
        assert_eq!(places.find(spec(1).id), None);
        assert_eq!(places.all().unwrap().len(), 2);
        assert_eq!(places.find(spec(1).id), Some(half.clone()));
        assert_eq!(places.spare(), std::slice::from_ref(&spare));
        assert!(places.discard(&half).is_err());
        assert!(places.discard(&used).is_err());
        places.discard(&spare).unwrap();
        used.set_cloned().unwrap();
        assert!(used.empty_repo().is_err());
        places.remove(spec(2).id).unwrap();
        assert!(places.find(spec(2).id).is_none() && !used.dir().exists());
    }
}
