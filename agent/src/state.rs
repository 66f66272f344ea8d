//! The agent's folder on disk: where everything is, and the lock that keeps a second agent out.
//!
//! ```text
//! identity.json          0600: node, key, control plane
//! agent.lock             held while an agent runs
//! agent.sock             0600: the HTTP API, for the command line
//! outbox.sqlite          what is to be told, and how far each start got
//! bin/sam-supervisor     mounted into containers
//! gitconfig              what the agent's own git commands read instead of a user's
//! slots/<slot>/          one workspace's files, see `place`
//! workspaces/<id>        → ../slots/<slot>
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The folder. Cheap to copy around; holding it does not hold the lock.
#[derive(Debug, Clone)]
pub struct StateDir {
    root: PathBuf,
}

/// Holds the folder for one process; given back by the kernel when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not read")] File);

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another agent runs on it.
    #[error(
        "another agent already runs with the state directory {0}: stop it first, or give this one its own --state-dir"
    )]
    Locked(PathBuf),
    /// The file system refuses.
    #[error("the state directory {0} cannot be used")]
    Io(PathBuf, #[source] io::Error),
}

impl StateDir {
    /// Makes the folder if it is missing; it and what is in it is for its owner only.
    pub fn open(root: &Path) -> Result<Self, StateError> {
        let failed = |error| StateError::Io(root.to_owned(), error);
        let make = |path: &Path| fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        make(root).map_err(failed)?;
        fs::set_permissions(root, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        let root = fs::canonicalize(root).map_err(failed)?;
        for folder in ["bin", "slots", "workspaces"] {
            make(&root.join(folder)).map_err(failed)?;
        }
        Ok(Self { root })
    }

    /// Takes the lock.
    pub fn lock(&self) -> Result<Lock, StateError> {
        let failed = |error| StateError::Io(self.root.clone(), error);
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.root.join("agent.lock"))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(StateError::Locked(self.root.clone())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Who the agent is.
    pub fn identity(&self) -> PathBuf {
        self.root.join("identity.json")
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.root.join("outbox.sqlite")
    }

    /// The socket of the local API.
    pub fn socket(&self) -> PathBuf {
        self.root.join("agent.sock")
    }

    /// The supervisor's binary.
    pub fn supervisor(&self) -> PathBuf {
        self.root.join("bin/sam-supervisor")
    }

    /// Configuration of the agent's own git commands.
    pub fn gitconfig(&self) -> PathBuf {
        self.root.join("gitconfig")
    }

    /// Where slots are.
    pub fn slots(&self) -> PathBuf {
        self.root.join("slots")
    }

    /// Where workspaces' links are.
    pub fn workspaces(&self) -> PathBuf {
        self.root.join("workspaces")
    }
}

/// Writes a file so that after a crash either the old or the new content is there, whole.
pub fn write_atomically(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("a file has a folder"))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}.new"));
    let mut options = OpenOptions::new();
    let mut file = options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(mode)
        .open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(folder)?.sync_all()
}
