//! Which files of the application's folder a component sees, and where: `files` and `exclude_files`, as Spin means them.
//!
//! Only paths are looked at here; the host copies the files. As with Spin, `exclude_files` takes files out of patterns
//! and folders but not one that is named by itself, and a pattern never leads outside the application's folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component as PathPart, Path, PathBuf};

use glob::Pattern;

use crate::{App, Component, FileMount};

/// What a guest sees below `/`. Destinations are relative and lead nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuestFiles {
    /// Folders that exist even if no file is in them.
    pub folders: BTreeSet<PathBuf>,
    /// Sources on this machine by destination. Where two entries meet in one place, the later one counts.
    pub files: BTreeMap<PathBuf, PathBuf>,
    /// Patterns that match nothing: allowed, but seldom meant.
    pub unmatched: Vec<String>,
}

impl Component {
    /// The files that this component sees, as they are on disk now; else everything that is wrong with its entries.
    pub fn guest_files(&self, app: &App) -> Result<GuestFiles, Vec<String>> {
        let mut problems = Vec::new();
        let excluded = self
            .exclude_files
            .iter()
            .filter_map(|text| match Pattern::new(text) {
                Ok(pattern) => Some(pattern),
                Err(error) => {
                    problems.push(format!("exclude_files: {text:?} is not a pattern: {error}"));
                    None
                }
            })
            .collect();
        let root = match absolute(&app.dir) {
            Ok(root) => root,
            Err(error) => {
                return Err(vec![format!(
                    "files: {} cannot be made absolute: {error}",
                    app.dir.display()
                )]);
            }
        };
        let mut walk = Walk {
            root: &root,
            excluded,
            found: GuestFiles::default(),
        };
        for mount in &self.files {
            let added = match mount {
                FileMount::Pattern(pattern) => walk.pattern(pattern),
                FileMount::Placement { source, destination } => walk.placement(source, destination),
            };
            if let Err(problem) = added {
                problems.push(format!("files: {problem}"));
            }
        }
        if problems.is_empty() {
            Ok(walk.found)
        } else {
            Err(problems)
        }
    }
}

struct Walk<'a> {
    root: &'a Path,
    excluded: Vec<Pattern>,
    found: GuestFiles,
}

impl Walk<'_> {
    /// `"images/*.png"` or `"one/file.txt"`: the guest sees it under the same path.
    fn pattern(&mut self, text: &str) -> Result<(), String> {
        if !is_plain(Path::new(text)) {
            return Err(format!(
                "{text:?} must stay inside the application's folder, without `..`"
            ));
        }
        let path = self.root.join(text);
        if path.is_dir() {
            return Err(format!(
                "{text:?} is a folder; write \"{text}/**/*\", or its source and destination"
            ));
        }
        if path.is_file() {
            self.found.files.insert(destination(text), path);
            return Ok(());
        }
        if Pattern::escape(text) == text {
            return Err(format!("{text:?} does not exist, and is no pattern"));
        }
        // The folder's own name may hold what means something in a pattern.
        let root = Pattern::escape(&self.root.to_string_lossy());
        if self.matches(&format!("{root}/{text}"), self.root, Path::new(""))? == 0 {
            self.found.unmatched.push(text.to_owned());
        }
        Ok(())
    }

    /// `{ source = "web/dist", destination = "/" }`: a folder with all that is in it, or one file.
    fn placement(&mut self, source: &Path, guest_path: &str) -> Result<(), String> {
        let path = self.root.join(source);
        let at = destination(guest_path);
        if path.is_dir() {
            let folder = Pattern::escape(&path.to_string_lossy());
            self.found.folders.insert(at.clone());
            return self.matches(&format!("{folder}/**/*"), &path, &at).map(drop);
        }
        if !path.is_file() {
            return Err(format!("there is no file or folder {}", path.display()));
        }
        if guest_path.ends_with('/') || at.as_os_str().is_empty() {
            return Err(format!(
                "{guest_path:?} is not the name of a file; {} is one",
                path.display()
            ));
        }
        self.found.files.insert(at, path);
        Ok(())
    }

    /// Adds the files that match `pattern`, whose paths below `base` continue at `at`. Returns how many matched.
    fn matches(&mut self, pattern: &str, base: &Path, at: &Path) -> Result<usize, String> {
        let mut count = 0;
        for path in glob::glob(pattern).map_err(|error| format!("{pattern:?} is not a pattern: {error}"))? {
            let path = path.map_err(|error| error.to_string())?;
            if !path.is_file() {
                continue;
            }
            count += 1;
            let in_app = path.strip_prefix(self.root).unwrap_or(&path);
            if self.excluded.iter().any(|pattern| pattern.matches_path(in_app)) {
                continue;
            }
            let below = path.strip_prefix(base).unwrap_or(in_app);
            self.found.files.insert(at.join(below), path.clone());
        }
        Ok(count)
    }
}

/// Patterns are matched against whole paths, so the folder of a manifest that was named by file name alone is spelt out.
fn absolute(dir: &Path) -> std::io::Result<PathBuf> {
    if dir.as_os_str().is_empty() {
        std::env::current_dir()
    } else {
        std::path::absolute(dir)
    }
}

/// Whether a relative path leads nowhere but down.
fn is_plain(path: &Path) -> bool {
    path.components()
        .all(|part| matches!(part, PathPart::Normal(_) | PathPart::CurDir))
}

/// A guest path below the guest's root. The reader of the manifest has refused `..` in destinations.
fn destination(guest_path: &str) -> PathBuf {
    Path::new(guest_path)
        .components()
        .filter(|part| matches!(part, PathPart::Normal(_)))
        .collect()
}
