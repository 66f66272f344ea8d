//! The databases and key-value stores of an application, open for as long as it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use spin_host_manifest::Component;
use spin_host_sqlite::{Database, Error, KeyValue, Options};

use super::Grants;

/// What the labels of the manifest stand for.
#[derive(Debug)]
pub(crate) struct Stores {
    databases: BTreeMap<String, Database>,
    key_values: BTreeMap<String, KeyValue>,
}

/// Why the stores of an application cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoresError {
    /// Labels become file names.
    #[error("the label {label:?} of a {what} cannot be used: only letters, digits, `-` and `_` are allowed")]
    Label {
        /// `database` or `key-value store`.
        what: &'static str,
        /// The label.
        label: String,
    },
    /// A file cannot be opened.
    #[error(transparent)]
    Open(#[from] Error),
}

impl Stores {
    /// Opens what the manifest's labels name: `<state_dir>/sqlite/<label>.db` and `<state_dir>/kv/<label>.db`.
    pub(crate) fn open(
        state_dir: &Path,
        databases: &BTreeSet<&str>,
        key_values: &BTreeSet<&str>,
    ) -> Result<Self, StoresError> {
        let mut stores = Self {
            databases: BTreeMap::new(),
            key_values: BTreeMap::new(),
        };
        for label in databases {
            let path = file(&state_dir.join("sqlite"), "database", label)?;
            stores
                .databases
                .insert((*label).to_owned(), Database::open(path, Options::default())?);
        }
        for label in key_values {
            let path = file(&state_dir.join("kv"), "key-value store", label)?;
            // Key-value reads are short; two readers are plenty.
            let options = Options {
                readers: 2,
                ..Options::default()
            };
            stores
                .key_values
                .insert((*label).to_owned(), KeyValue::open(path, options)?);
        }
        Ok(stores)
    }

    /// What `component` may use, with the values of its variables.
    pub(crate) fn grants(&self, component: &Component, variables: BTreeMap<String, String>) -> Grants {
        Grants {
            variables: Arc::new(variables),
            databases: Arc::new(pick(&self.databases, &component.sqlite_databases)),
            key_values: Arc::new(pick(&self.key_values, &component.key_value_stores)),
            connections_open: 0,
            stores_open: 0,
        }
    }
}

fn pick<T: Clone>(all: &BTreeMap<String, T>, labels: &[String]) -> BTreeMap<String, T> {
    labels
        .iter()
        .filter_map(|label| Some((label.clone(), all.get(label)?.clone())))
        .collect()
}

fn file(folder: &Path, what: &'static str, label: &str) -> Result<PathBuf, StoresError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if label.is_empty() || !label.chars().all(fits) {
        return Err(StoresError::Label {
            what,
            label: label.to_owned(),
        });
    }
    Ok(folder.join(format!("{label}.db")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_files_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let databases = BTreeSet::from(["default", "my_data-2"]);
        let stores = Stores::open(dir.path(), &databases, &BTreeSet::from(["default"])).unwrap();
        assert_eq!(
            stores.databases["my_data-2"].path(),
            dir.path().join("sqlite/my_data-2.db")
        );
        assert!(dir.path().join("kv/default.db").exists());
        for label in ["../escape", "", "a/b", "a.b", "ä"] {
            let error = Stores::open(dir.path(), &BTreeSet::from([label]), &BTreeSet::new()).unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("the label {label:?} of a database")),
                "{error}"
            );
        }
    }
}
