//! Unix sockets at paths of any length, for their owner only.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// The kernel takes paths of 107 bytes; longer ones go by way of an open folder.
const PATH_BYTES_MAX: usize = 100;

fn short(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    if path.as_os_str().len() <= PATH_BYTES_MAX {
        return Ok((path.to_owned(), None));
    }
    let parts = path.parent().zip(path.file_name());
    let (folder, name) = parts.ok_or_else(|| io::Error::other("a socket has a folder and a name"))?;
    let folder = File::open(folder)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
    Ok((path, Some(folder)))
}

/// Listens there. Whatever was left there by an earlier process is replaced.
pub(crate) fn listen(path: &Path, mode: u32) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let (name, _folder) = short(path)?;
    let listener = UnixListener::bind(&name)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

/// Connects.
pub(crate) async fn connect(path: &Path) -> io::Result<UnixStream> {
    let (name, _folder) = short(path)?;
    UnixStream::connect(&name).await
}
