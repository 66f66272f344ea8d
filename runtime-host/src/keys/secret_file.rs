//! Small files that only this user may read, replaced as a whole.

use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::NamedTempFile;

/// Writes `content` to `path`: after a crash the file is the old or the new one.
pub(super) fn write(path: &Path, content: &str) -> Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let replace = || -> std::io::Result<()> {
        // Made with mode 0600 and never wider.
        let mut file = NamedTempFile::new_in(dir)?;
        writeln!(file, "{content}")?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(dir)?.sync_all()
    };
    replace().with_context(|| format!("the key file {} cannot be written", path.display()))
}

/// Reads `path`, unless others could read it too.
pub(super) fn read(path: &Path) -> Result<String> {
    let missing = || {
        format!(
            "the key file {} cannot be read; `sam-host keys init` makes missing ones",
            path.display()
        )
    };
    let mode = fs::metadata(path).with_context(missing)?.permissions().mode();
    if mode & 0o077 != 0 {
        let mode = mode & 0o777;
        bail!(
            "other users can read the key file {0} (mode {mode:o}); run `chmod 600 {0}` and think of a rotation",
            path.display()
        );
    }
    fs::read_to_string(path).with_context(missing)
}
