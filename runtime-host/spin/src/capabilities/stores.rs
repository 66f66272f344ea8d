//! The databases and key-value stores of an application, open for as long as it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use spin_host_manifest::Component;
use spin_host_sqlite::{BatchReport, Database, Error, KeyValue, Options};

use super::Grants;

/// Upper bounds of the statements in one commit, up to the most a group may have.
const GROUP_BUCKETS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// Upper bounds in seconds of a commit: from a disk with a cache that survives power loss to one in trouble.
const COMMIT_BUCKETS: [f64; 8] = [0.0002, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.25, 1.0];

/// What the labels of the manifest stand for.
#[derive(Debug)]
pub(crate) struct Stores {
    databases: BTreeMap<String, Database>,
    key_values: BTreeMap<String, KeyValue>,
    groups: Family<StoreLabel, Histogram, fn() -> Histogram>,
    commits: Family<StoreLabel, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StoreLabel {
    /// `sqlite` or `kv`.
    kind: &'static str,
    label: String,
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
            groups: Family::new_with_constructor(|| Histogram::new(GROUP_BUCKETS)),
            commits: Family::new_with_constructor(|| Histogram::new(COMMIT_BUCKETS)),
        };
        for label in databases {
            let path = file(&state_dir.join("sqlite"), "database", label)?;
            let options = stores.measured("sqlite", label, Options::default());
            stores
                .databases
                .insert((*label).to_owned(), Database::open(path, options)?);
        }
        for label in key_values {
            let path = file(&state_dir.join("kv"), "key-value store", label)?;
            // Key-value reads are short; two readers are plenty.
            let options = stores.measured(
                "kv",
                label,
                Options {
                    readers: 2,
                    ..Options::default()
                },
            );
            stores
                .key_values
                .insert((*label).to_owned(), KeyValue::open(path, options)?);
        }
        Ok(stores)
    }

    /// Adds the metrics of all stores to those of the host.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let (groups, commits) = (self.groups.clone(), self.commits.clone());
        registry.register(
            "spin_store_group_statements",
            "Statements made durable by one commit",
            groups,
        );
        registry.register(
            "spin_store_commit_seconds",
            "Time of a commit, mostly the disk's",
            commits,
        );
    }

    fn measured(&self, kind: &'static str, label: &str, options: Options) -> Options {
        let label = StoreLabel {
            kind,
            label: label.to_owned(),
        };
        let groups = self.groups.get_or_create_owned(&label);
        let commits = self.commits.get_or_create_owned(&label);
        let on_batch = move |report: BatchReport| {
            groups.observe(u32::try_from(report.statements).map_or(f64::MAX, f64::from));
            commits.observe(report.commit.as_secs_f64());
        };
        Options {
            on_batch: Some(Arc::new(on_batch)),
            ..options
        }
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
        let mut registry = Registry::default();
        stores.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        assert!(
            text.contains(r#"spin_store_group_statements_count{kind="sqlite",label="my_data-2"} 0"#),
            "{text}"
        );
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
