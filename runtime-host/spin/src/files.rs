//! The files that a component sees: copies, made at start, in a folder of their own.
//!
//! As with Spin, a guest sees the files as they were when the host started, in one folder mounted read-only at `/`.
//! Copies rather than mounts, because a pattern may take single files out of a folder whose other files the guest must
//! not see.

use std::io;
use std::path::{Path, PathBuf};

use spin_host_manifest::{App, Component, GuestFiles};

/// Copies what `component` may see to `<folder>/<its id>`, in place of what an earlier start left there. `None` when
/// it sees no files.
pub(crate) fn stage(app: &App, component: &Component, folder: &Path) -> Result<Option<PathBuf>, Vec<String>> {
    let guest_files = component.guest_files(app)?;
    for pattern in &guest_files.unmatched {
        tracing::warn!(
            component = component.id,
            pattern,
            "no file matches a pattern of `files`"
        );
    }
    let root = folder.join(&component.id);
    let refused = |problem| vec![format!("files: {problem}")];
    remove(&root).map_err(refused)?;
    if component.files.is_empty() {
        return Ok(None);
    }
    copy(&guest_files, &root).map_err(refused)?;
    Ok(Some(root))
}

fn remove(root: &Path) -> Result<(), String> {
    match std::fs::remove_dir_all(root) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("{} cannot be removed: {error}", root.display()))
        }
        _ => Ok(()),
    }
}

fn copy(guest_files: &GuestFiles, root: &Path) -> Result<(), String> {
    make(root)?;
    for folder in &guest_files.folders {
        make(&root.join(folder))?;
    }
    for (destination, source) in &guest_files.files {
        let target = root.join(destination);
        make(target.parent().unwrap_or(root))?;
        copy_file(source, &target)
            .map_err(|error| format!("{} cannot be copied to {}: {error}", source.display(), target.display()))?;
    }
    Ok(())
}

fn make(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))
}

/// The copy is as old as its source: guests make validators of HTTP caches from it.
fn copy_file(source: &Path, target: &Path) -> io::Result<()> {
    std::fs::copy(source, target)?;
    let modified = std::fs::metadata(source)?.modified()?;
    // A source that may not be written gives a copy that may not be: the time is set through a handle that only reads.
    std::fs::File::open(target)?.set_modified(modified)
}
