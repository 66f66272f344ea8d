//! The supervisor's binary, put where containers mount it from. A newer one takes its place by renaming, so that what runs
//! keeps the old file.
//!
//! A released agent carries it at its own end: `…agent…supervisor` `length:u64 little-endian` `SAMSUPV1`, so that one
//! download and one digest are all there is.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::state::{StateDir, write_atomically};

/// Ends a file that carries a supervisor.
const TRAILER: &[u8; 8] = b"SAMSUPV1";
/// A length beyond this is no supervisor's.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Puts it in place; answers where it is.
pub(super) fn install(state: &StateDir, given: Option<&Path>) -> anyhow::Result<PathBuf> {
    let target = state.supervisor();
    let Some(wanted) = wanted(given)? else {
        anyhow::ensure!(
            target.is_file(),
            "this agent carries no supervisor, and none is beside it or at {}: name it with --supervisor",
            target.display()
        );
        return Ok(target);
    };
    if fs::read(&target).ok().as_ref() != Some(&wanted) {
        // A container's own users must be able to run it.
        write_atomically(&target, &wanted, 0o755)
            .with_context(|| format!("the supervisor cannot be written to {}", target.display()))?;
    }
    Ok(target)
}

/// The one that was named, else the one in this program's file, else the one beside it.
fn wanted(given: Option<&Path>) -> anyhow::Result<Option<Vec<u8>>> {
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("the supervisor {} cannot be read", path.display()));
    if let Some(given) = given {
        return read(given).map(Some);
    }
    let own = std::env::current_exe().context("this program's own file cannot be found")?;
    if let Some(carried) = carried(&own).with_context(|| format!("{} cannot be read", own.display()))? {
        return Ok(Some(carried));
    }
    let beside = own.with_file_name("sam-supervisor");
    if beside.is_file() {
        read(&beside).map(Some)
    } else {
        Ok(None)
    }
}

/// The supervisor at the end of a file.
fn carried(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let end = u64::try_from(TRAILER.len()).unwrap_or(u64::MAX) + 8;
    if size < end {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(size - end))?;
    let (mut length, mut trailer) = ([0; 8], [0; 8]);
    file.read_exact(&mut length)?;
    file.read_exact(&mut trailer)?;
    let length = u64::from_le_bytes(length);
    if &trailer != TRAILER || length > BYTES_MAX || length + end > size {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(size - end - length))?;
    let mut supervisor = Vec::new();
    file.take(length).read_to_end(&mut supervisor)?;
    Ok(Some(supervisor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supervisor_is_found_at_the_end_of_the_agents_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent");
        let file = [&b"the agent"[..], b"the supervisor", &14_u64.to_le_bytes(), TRAILER].concat();
        fs::write(&path, &file).unwrap();
        assert_eq!(carried(&path).unwrap().as_deref(), Some(&b"the supervisor"[..]));
        fs::write(&path, [&b"x"[..], &14_u64.to_le_bytes(), TRAILER].concat()).unwrap();
        assert_eq!(carried(&path).unwrap(), None);
        fs::write(&path, b"short").unwrap();
        assert_eq!(carried(&path).unwrap(), None);
    }
}
