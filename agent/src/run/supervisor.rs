//! The supervisor's binary, copied to where containers mount it from. A newer one takes its place by renaming, so that
//! what runs keeps the old file.
//!
//! A downloaded agent carries it at the end of its own file: agent, supervisor, the supervisor's length in eight bytes
//! (little-endian), and [`TRAILER`]. So one download, checked by one digest, is all that a machine needs.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::state::{StateDir, write_atomically};

/// Ends the file of an agent that carries its supervisor.
const TRAILER: &[u8; 8] = b"SAMSUPV1";

/// Puts it in place; answers where it is.
pub(super) fn install(state: &StateDir, given: Option<&Path>) -> anyhow::Result<PathBuf> {
    let target = state.supervisor();
    let own = std::env::current_exe().context("the agent's own file cannot be found")?;
    let Some(wanted) = wanted(given, &own)? else {
        if target.is_file() {
            return Ok(target);
        }
        anyhow::bail!(
            "the supervisor is neither in the agent's own file, nor beside it, nor in {}: name it with --supervisor",
            target.display()
        );
    };
    if fs::read(&target).ok().as_ref() != Some(&wanted) {
        // A container of the supervisor's own user must be able to run it.
        write_atomically(&target, &wanted, 0o755)?;
    }
    Ok(target)
}

/// The one that was named, else the one that this agent carries, else the one beside it.
fn wanted(given: Option<&Path>, own: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("the supervisor {} cannot be read", path.display()));
    if let Some(given) = given {
        return read(given).map(Some);
    }
    if let Some(carried) = carried(own).with_context(|| format!("{} cannot be read", own.display()))? {
        return Ok(Some(carried));
    }
    let beside = own
        .parent()
        .map(|folder| folder.join("sam-supervisor"))
        .filter(|path| path.is_file());
    beside.as_deref().map(read).transpose()
}

/// What the file carries at its end, if it does.
fn carried(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    if bytes < 16 {
        return Ok(None);
    }
    let (mut length, mut trailer) = ([0; 8], [0; 8]);
    file.seek(SeekFrom::Start(bytes - 16))?;
    file.read_exact(&mut length)?;
    file.read_exact(&mut trailer)?;
    let length = u64::from_le_bytes(length);
    if trailer != *TRAILER || length > bytes - 16 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(bytes - 16 - length))?;
    let mut carried = Vec::new();
    file.take(length).read_to_end(&mut carried)?;
    Ok(Some(carried))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_carries_what_was_put_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent");
        let check = |content: &[u8], expect: Option<&[u8]>| {
            fs::write(&path, content).unwrap();
            assert_eq!(carried(&path).unwrap().as_deref(), expect);
        };
        let with =
            |length: u64, trailer: &[u8]| [b"agent", b"boss!".as_slice(), &length.to_le_bytes(), trailer].concat();
        check(&with(5, TRAILER), Some(b"boss!"));
        check(&with(0, TRAILER), Some(b""));
        check(&with(11, TRAILER), None); // longer than the file
        check(&with(u64::MAX, TRAILER), None);
        check(&with(5, b"SAMSUPV0"), None);
        check(b"short", None);
        check(b"", None);
    }
}
