//! One process per data directory.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use fs4::FileExt;

/// Holds the lock until dropped. The system releases it too when the process dies, however it dies.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

/// Why a data directory could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error(
        "the data directory {dir} is in use by another process (pid {pid}); stop that process or choose another directory"
    )]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// Its process id, or `unknown`.
        pid: String,
    },
    /// It cannot be created or written.
    #[error("cannot use the data directory {dir}")]
    Io {
        /// The directory.
        dir: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Creates `dir` (0700) if needed and locks it for this process.
pub fn lock_data_dir(dir: impl AsRef<Path>) -> Result<DataDirLock, LockError> {
    let dir = dir.as_ref();
    let failed = |source| LockError::Io {
        dir: dir.to_owned(),
        source,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(failed)?;
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(dir.join("lock"))
        .map_err(failed)?;
    match FileExt::try_lock(&file) {
        Ok(()) => {}
        Err(fs4::TryLockError::WouldBlock) => {
            return Err(LockError::InUse {
                dir: dir.to_owned(),
                pid: holder(&mut file),
            });
        }
        Err(fs4::TryLockError::Error(source)) => return Err(failed(source)),
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(failed)?;
    Ok(DataDirLock { _file: file })
}

/// The process id that the holder wrote into the file.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}
