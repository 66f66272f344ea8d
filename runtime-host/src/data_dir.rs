//! The one directory that holds an installation: who has it has everything, so nobody else may read it.
//!
//! ```text
//! <data-dir>/          0700
//!   lock               held by the running process
//!   admin-address      where the running process answers operators
//!   sqlite/  kv/       databases and key-value stores (spin-host)
//!   objects/           the object store
//!   files/             copies of the files that components see, made anew at each start (spin-host)
//!   node/              state of the agent that makes this machine a node (sam-agent makes it)
//!   cache/             compiled components, safe to delete
//!   keys/              0700, its files 0600: the only thing that a backup of the rest does not make useless to a thief
//! ```

use anyhow::{Context, Result, bail};
use spin_host_sqlite::{DataDirLock, lock_data_dir};
use std::fs::{DirBuilder, Permissions, metadata, set_permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tracing::warn;

/// The places of a data directory.
#[derive(Clone, Debug)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// Names the places; touches nothing.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory itself; `spin-host` keeps `sqlite/` and `kv/` in it.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Keys and tokens.
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// Files of the object store.
    pub fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    /// Compiled components.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// State of this machine's own agent.
    pub fn node(&self) -> PathBuf {
        self.root.join("node")
    }

    /// Tells other commands where the running process answers.
    pub fn admin_address(&self) -> PathBuf {
        self.root.join("admin-address")
    }

    /// The database of the core.
    pub fn default_database(&self) -> PathBuf {
        self.root.join("sqlite").join("default.db")
    }

    /// Makes the directory and its places, private to this user, and takes it for this process.
    ///
    /// # Errors
    /// When it cannot be made or another process has it.
    pub fn take(&self) -> Result<DataDirLock> {
        let lock = lock_data_dir(&self.root)?;
        if metadata(&self.root)?.permissions().mode() & 0o077 != 0 {
            warn!(dir = %self.root.display(), "other users can look into the data directory; `chmod 700` it");
        }
        for dir in ["sqlite", "kv", "objects", "cache", "keys"] {
            private_dir(&self.root.join(dir))?;
        }
        Ok(lock)
    }

    /// Fails unless there is an installation here, for commands that must not make one.
    ///
    /// # Errors
    /// When the directory is absent or was never started.
    pub fn must_exist(&self) -> Result<()> {
        if !self.keys().is_dir() {
            bail!(
                "{} is no data directory of SAM; start one with `sam-host up --data-dir {0}`",
                self.root.display()
            );
        }
        Ok(())
    }
}

/// Makes `dir` if absent; either way only this user can look into it afterwards.
pub(crate) fn private_dir(dir: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.and_then(|()| set_permissions(dir, Permissions::from_mode(0o700)))
        .with_context(|| format!("the directory {} cannot be made private", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_private_and_a_second_process_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let data = DataDir::at(parent.path().join("data"));
        assert!(
            data.must_exist()
                .unwrap_err()
                .to_string()
                .contains("sam-host up --data-dir")
        );
        let lock = data.take().unwrap();
        data.must_exist().unwrap();
        for dir in [data.root().to_owned(), data.keys(), data.objects(), data.cache()] {
            assert_eq!(
                metadata(&dir).unwrap().permissions().mode() & 0o777,
                0o700,
                "{}",
                dir.display()
            );
        }
        let refused = data.take().unwrap_err().to_string();
        assert!(refused.contains(&format!("pid {}", std::process::id())), "{refused}");
        drop(lock);
        data.take().unwrap();
    }
}
