//! Paths of Unix sockets, which the kernel limits to 107 bytes. Longer ones are reached through their open folder.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// `sun_path` has 108 bytes with the closing zero.
const PATH_BYTES_MAX: usize = 107;

/// A path that `bind` and `connect` accept, for as long as this value lives.
#[derive(Debug)]
pub struct Reachable {
    path: PathBuf,
    _folder: Option<OwnedFd>,
}

impl Reachable {
    /// The path itself, or a short one to the same place.
    pub fn new(path: &Path) -> io::Result<Self> {
        if path.as_os_str().len() <= PATH_BYTES_MAX {
            return Ok(Self {
                path: path.to_path_buf(),
                _folder: None,
            });
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a socket path names a file in a folder",
            ));
        };
        let folder = rustix::fs::open(
            folder,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let short = Path::new("/proc/self/fd")
            .join(folder.as_raw_fd().to_string())
            .join(name);
        Ok(Self {
            path: short,
            _folder: Some(folder),
        })
    }

    /// What to give to `bind` or `connect`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}
