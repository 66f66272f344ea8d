//! An application as its manifest describes it, checked and in one shape whatever the spelling was.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use crate::{Dependency, DependencyName, RoutePattern, Template};

/// A whole application.
#[derive(Clone, Debug)]
pub struct App {
    /// Folder of the manifest; every relative path in it starts here.
    pub dir: PathBuf,
    /// `[application] name`.
    pub name: String,
    /// `[application] version`, if given.
    pub version: Option<String>,
    /// `[application] description`, if given.
    pub description: Option<String>,
    /// `[variables]` in the order of the file.
    pub variables: IndexMap<String, VariableDecl>,
    /// `[[trigger.http]]` in the order of the file. Each names a component that exists.
    pub triggers: Vec<HttpTrigger>,
    /// `[component.<id>]` in the order of the file.
    pub components: IndexMap<String, Component>,
}

impl App {
    /// A path of the manifest as a path of this machine.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.dir.join(relative)
    }

    /// The components that a trigger names, each once, in the order of the file: what a host has to start.
    pub fn triggered(&self) -> impl Iterator<Item = &Component> {
        self.components
            .values()
            .filter(|component| self.triggers.iter().any(|t| t.component == component.id))
    }
}

/// One `[variables]` entry. Exactly one of `required` and `default` is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableDecl {
    /// The value when no provider has one.
    pub default: Option<String>,
    /// Whether the application must not start without a value.
    pub required: bool,
    /// Whether the value must be kept out of logs.
    pub secret: bool,
    /// What the variable is for.
    pub description: Option<String>,
}

/// One `[[trigger.http]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpTrigger {
    /// Which requests.
    pub route: TriggerRoute,
    /// Id of the component that answers them.
    pub component: String,
}

/// Which requests reach a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TriggerRoute {
    /// Requests from outside whose path matches.
    Public(RoutePattern),
    /// None from outside; only calls inside the host (`{ private = true }`).
    Private,
}

/// One `[component.<id>]`.
#[derive(Clone, Debug)]
pub struct Component {
    /// The id in the table's name.
    pub id: String,
    /// The wasm file, relative to [`App::dir`].
    pub source: PathBuf,
    /// What the component is for.
    pub description: Option<String>,
    /// Files the guest sees, read-only.
    pub files: Vec<FileMount>,
    /// Glob patterns taken out of `files` again.
    pub exclude_files: Vec<String>,
    /// Environment of the guest; Spin knows no templates here.
    pub environment: IndexMap<String, String>,
    /// Variables of the guest, as templates over the application's; see [`Component::variables`].
    pub variables: IndexMap<String, Template>,
    /// Where the guest may connect, as templates; see [`Component::allowed_hosts`].
    pub allowed_outbound_hosts: Vec<Template>,
    /// Labels of key-value stores.
    pub key_value_stores: Vec<String>,
    /// Labels of SQLite databases.
    pub sqlite_databases: Vec<String>,
    /// Other components wired into this one; see [`crate::compose`].
    pub dependencies: IndexMap<DependencyName, Dependency>,
    /// How to build the source; this crate never runs it.
    pub build: Option<Build>,
}

/// One entry of `files`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileMount {
    /// A glob pattern relative to [`App::dir`]; matches appear in the guest under the same relative path.
    Pattern(String),
    /// A file or folder of the host placed at an absolute guest path.
    Placement {
        /// Relative to [`App::dir`].
        source: PathBuf,
        /// Absolute path in the guest.
        destination: String,
    },
}

/// `[component.<id>.build]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Commands, run one after the other.
    pub commands: Vec<String>,
    /// Folder to run them in, relative to [`App::dir`].
    pub workdir: Option<PathBuf>,
    /// Glob patterns of the sources.
    pub watch: Vec<String>,
}
