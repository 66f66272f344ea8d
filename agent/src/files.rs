//! Files of a working copy. Its owner may put any link anywhere in it, at any moment; so every path is resolved by the
//! kernel below the working copy's open folder (`cap-std`, `openat2`), and what leads out of it is refused.

use std::io::{self, Read};
use std::path::Path;
use std::time::UNIX_EPOCH;

use cap_std::fs::{Dir, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use sam_contract::agent::api::{FileEntry, FileKind, Files};

/// So many entries of a folder are shown.
const ENTRIES_MAX: usize = 2000;
/// So many are looked at to find the first of them.
const ENTRIES_LOOKED_AT_MAX: usize = 50_000;

/// The working copy.
pub(crate) fn root(repo: &Path) -> io::Result<Dir> {
    Dir::open_ambient_dir(repo, cap_std::ambient_authority())
}

/// What stands for the whole folder when a path is empty.
fn named(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

/// Opens a plain file. A pipe or a device would make its reader wait, or worse.
pub(crate) fn open(root: &Dir, path: &str) -> io::Result<(File, Metadata)> {
    let mut options = OpenOptions::new();
    let flags = rustix::fs::OFlags::NONBLOCK.union(rustix::fs::OFlags::NOCTTY);
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = root.open_with(named(path), &options)?;
    let found = file.metadata()?;
    if found.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"));
    }
    Ok((file, found))
}

/// Reads a small file.
pub(crate) fn read_small(root: &Dir, path: &str, bytes_max: u64) -> io::Result<Vec<u8>> {
    let (file, _) = open(root, path)?;
    let mut content = Vec::new();
    file.take(bytes_max).read_to_end(&mut content)?;
    Ok(content)
}

/// Changes with each change of the file.
pub(crate) fn etag(found: &Metadata) -> String {
    format!(
        "\"{:x}.{:x}-{:x}-{:x}\"",
        found.mtime(),
        found.mtime_nsec(),
        found.size(),
        found.ino()
    )
}

/// What is in a folder, folders first, then by name.
pub(crate) fn list(root: &Dir, path: &str) -> io::Result<Files> {
    let mut items = Vec::new();
    let mut truncated = false;
    for entry in root.read_dir(named(path))? {
        if items.len() >= ENTRIES_LOOKED_AT_MAX {
            truncated = true;
            break;
        }
        let entry = entry?;
        // It may be gone by now.
        let Ok(found) = entry.metadata() else { continue };
        items.push(FileEntry {
            name: entry.file_name().to_string_lossy().into_owned(),
            kind: kind(&found),
            size: found.size(),
            modified_at: modified_ms(&found),
        });
    }
    items.sort_by(|a, b| (a.kind != FileKind::Folder, &a.name).cmp(&(b.kind != FileKind::Folder, &b.name)));
    truncated |= items.len() > ENTRIES_MAX;
    items.truncate(ENTRIES_MAX);
    Ok(Files {
        path: path.to_owned(),
        items,
        truncated,
    })
}

fn kind(found: &Metadata) -> FileKind {
    if found.is_dir() {
        FileKind::Folder
    } else if found.is_symlink() {
        FileKind::Link
    } else if found.is_file() {
        FileKind::File
    } else {
        FileKind::Other
    }
}

fn modified_ms(found: &Metadata) -> i64 {
    let since = found
        .modified()
        .ok()
        .and_then(|at| at.into_std().duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Removes a file, a link, or a folder with what is in it.
pub(crate) fn remove(root: &Dir, path: &str) -> io::Result<()> {
    if root.symlink_metadata(path)?.is_dir() {
        root.remove_dir_all(path)
    } else {
        root.remove_file(path)
    }
}

/// Moves a file or folder to where nothing is.
pub(crate) fn rename(root: &Dir, from: &str, to: &str) -> io::Result<()> {
    match root.symlink_metadata(to) {
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "something is there already",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => root.rename(from, root, to),
        Err(error) => Err(error),
    }
}

/// A file on its way: written beside its place, and moved there when it is whole.
pub(crate) struct Draft {
    root: Dir,
    target: String,
    draft: String,
    placed: bool,
}

impl Draft {
    /// Begins one for that path; a link is followed to what it means, inside the working copy.
    pub(crate) fn begin(root: Dir, path: &str) -> io::Result<(Self, std::fs::File)> {
        let target = match root.canonicalize(path) {
            Ok(target) => target.to_string_lossy().into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(error),
        };
        let mode = match root.metadata(&target) {
            Ok(found) if found.is_dir() => {
                return Err(io::Error::new(io::ErrorKind::IsADirectory, "a folder is there"));
            }
            Ok(found) => found.mode() & 0o7777,
            Err(_) => 0o644,
        };
        let name = format!(".sam-upload-{:x}", crate::clock::random());
        let draft = match target.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{name}"),
            None => name,
        };
        let mut options = OpenOptions::new();
        let file = root.open_with(&draft, options.create_new(true).write(true).mode(mode))?;
        let this = Self {
            root,
            target,
            draft,
            placed: false,
        };
        Ok((this, file.into_std()))
    }

    /// Moves it to its place. With `expect` only if the file that is there now has that etag; an empty one for none.
    pub(crate) fn place(mut self, expect: Option<&str>) -> io::Result<String> {
        if let Some(expect) = expect {
            let there = self
                .root
                .metadata(&self.target)
                .map(|found| etag(&found))
                .unwrap_or_default();
            if there != expect {
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, "it was changed meanwhile"));
            }
        }
        self.root.rename(&self.draft, &self.root, &self.target)?;
        self.placed = true;
        self.root.metadata(&self.target).map(|found| etag(&found))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.placed {
            let _ = self.root.remove_file(&self.draft);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::symlink;

    fn copy() -> (tempfile::TempDir, Dir) {
        let outside = tempfile::tempdir().unwrap();
        let repo = outside.path().join("repo");
        std::fs::create_dir(&repo).unwrap();
        std::fs::write(outside.path().join("secret"), "s").unwrap();
        symlink("../secret", repo.join("out")).unwrap();
        symlink("/etc", repo.join("etc")).unwrap();
        symlink("inner.txt", repo.join("in")).unwrap();
        std::fs::write(repo.join("inner.txt"), "inner").unwrap();
        std::fs::create_dir(repo.join("sub")).unwrap();
        let root = root(&repo).unwrap();
        (outside, root)
    }

    #[test]
    fn links_out_of_the_working_copy_lead_nowhere() {
        let (outside, root) = copy();
        assert!(open(&root, "out").is_err());
        assert!(open(&root, "etc/passwd").is_err());
        assert!(list(&root, "etc").is_err());
        assert!(Draft::begin(root.try_clone().unwrap(), "etc/x").is_err());
        assert!(rename(&root, "inner.txt", "etc/x").is_err());
        assert_eq!(read_small(&root, "in", 99).unwrap(), b"inner");
        // A link is removed, not what it means.
        remove(&root, "out").unwrap();
        assert!(outside.path().join("secret").exists());
    }

    #[test]
    fn a_file_is_replaced_whole_and_only_if_it_is_the_expected_one() {
        let (_outside, root) = copy();
        let before = etag(&open(&root, "inner.txt").unwrap().1);
        let begin = || Draft::begin(root.try_clone().unwrap(), "in").unwrap();
        let (draft, mut file) = begin();
        file.write_all(b"half").unwrap();
        drop(draft);
        assert_eq!(read_small(&root, "inner.txt", 99).unwrap(), b"inner");
        let (draft, mut file) = begin();
        file.write_all(b"new").unwrap();
        let after = draft.place(Some(&before)).unwrap();
        assert_ne!(before, after);
        assert_eq!(read_small(&root, "inner.txt", 99).unwrap(), b"new");
        assert!(begin().0.place(Some(&before)).is_err());
        // Links stay links, and no draft is left.
        let names: Vec<_> = list(&root, "")
            .unwrap()
            .items
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        assert_eq!(names, ["sub", "etc", "in", "inner.txt", "out"]);
    }

    #[test]
    fn nothing_is_overwritten_by_a_move() {
        let (_outside, root) = copy();
        assert!(rename(&root, "inner.txt", "sub").is_err());
        assert!(rename(&root, "inner.txt", "out").is_err());
        rename(&root, "inner.txt", "sub/moved").unwrap();
        remove(&root, "sub").unwrap();
        assert!(open(&root, "sub/moved").is_err());
    }
}
