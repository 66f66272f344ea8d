//! From the text of `spin.toml` to an [`App`], collecting every problem on the way.
//!
//! The document is walked by hand over a tree that knows its byte offsets, not by `serde`: serde stops at the first
//! error and loses the line, and Spin's untagged enums answer "data did not match any variant".

mod application;
mod checks;
mod component;
mod dependencies;
mod fields;
mod trigger;

use std::fs;
use std::path::Path;

use toml::de::DeTable;

use crate::problem::Problems;
use crate::{App, LoadError, Problem};
use fields::Fields;

/// The reader of manifests.
#[derive(Debug)]
pub struct Manifest;

impl Manifest {
    /// Reads and checks the manifest at `path`. Fails with everything that is wrong in it.
    pub fn load(path: impl AsRef<Path>) -> Result<App, LoadError> {
        let path = path.as_ref();
        let file = path.to_owned();
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(source) => return Err(LoadError::Read { file, source }),
        };
        let dir = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, dir).map_err(|problems| LoadError::Invalid { file, problems })
    }

    /// Reads and checks a manifest from its text; relative paths in it start at `dir`.
    pub fn parse(text: &str, dir: impl AsRef<Path>) -> Result<App, Vec<Problem>> {
        let mut problems = Problems::new(text);
        match DeTable::parse(text) {
            Ok(document) => {
                let app = read_document(&document, dir.as_ref(), &mut problems);
                let problems = problems.into_sorted();
                app.filter(|_| problems.is_empty()).ok_or(problems)
            }
            Err(error) => {
                problems.add(
                    error.span().map_or(0, |span| span.start),
                    "",
                    format!("not TOML: {}", error.message()),
                );
                Err(problems.into_sorted())
            }
        }
    }
}

/// Returns `None` only together with problems.
fn read_document(document: &toml::Spanned<DeTable<'_>>, dir: &Path, problems: &mut Problems<'_>) -> Option<App> {
    let mut root = Fields::root(document.get_ref());
    check_version(&mut root, problems);
    let application = root
        .require("application", problems)
        .and_then(|field| application::read(&field, problems));
    let variables = root
        .take("variables")
        .map(|field| application::variables(&field, problems))
        .unwrap_or_default();
    let triggers = root
        .require("trigger", problems)
        .map(|field| trigger::read(&field, problems))
        .unwrap_or_default();
    let components = root
        .take("component")
        .map(|field| component::read(&field, problems))
        .unwrap_or_default();
    root.finish(problems);

    checks::triggers(&triggers, &components, problems);
    checks::templates(&variables, &components, problems);
    checks::dependencies(&components, problems);

    let application = application?;
    Some(App {
        dir: dir.to_owned(),
        name: application.name,
        version: application.version,
        description: application.description,
        variables,
        triggers: triggers.into_iter().map(|read| read.trigger).collect(),
        components: components.into_iter().map(|(id, read)| (id, read.component)).collect(),
    })
}

fn check_version(root: &mut Fields<'_, '_>, problems: &mut Problems<'_>) {
    let Some(field) = root.require("spin_manifest_version", problems) else {
        return;
    };
    if field.integer().is_none_or(|version| version != "2") {
        field.problem(
            problems,
            "this host reads manifests of version 2; write `spin_manifest_version = 2`",
        );
    }
}
