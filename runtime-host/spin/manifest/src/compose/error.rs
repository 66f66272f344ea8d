//! Why a composition fails, in Spin's words where Spin has some.

use std::path::PathBuf;

/// Why a component could not be composed with its dependencies.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The application has no such component.
    #[error("there is no component {0:?} in the application")]
    UnknownComponent(String),
    /// A wasm file could not be read.
    #[error("cannot read the wasm of component {component:?} from {}; build it first", .file.display())]
    Read {
        /// The component whose source it is.
        component: String,
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// A file is not a wasm component.
    #[error("{what} is not a usable wasm component: {reason}")]
    NotAComponent {
        /// The component or dependency.
        what: String,
        /// What the parser said.
        reason: String,
    },
    /// The name of a dependency covers no import.
    #[error("dependency '{dependency}' doesn't match any imports of component '{component}'{}", imported(.imports))]
    UnmatchedName {
        /// The parent.
        component: String,
        /// The dependency's name.
        dependency: String,
        /// What the parent imports of the same package.
        imports: Vec<String>,
    },
    /// Two dependencies cover one import.
    #[error(
        "component '{component}' has dependency conflicts: import '{import}' satisfied by dependencies: '{first}, {second}'"
    )]
    Conflict {
        /// The parent.
        component: String,
        /// The import.
        import: String,
        /// One dependency.
        first: String,
        /// The other.
        second: String,
    },
    /// The dependency lacks the export.
    #[error("dependency '{dependency}' doesn't export '{export}' to satisfy import '{import}'")]
    MissingExport {
        /// The dependency's name.
        dependency: String,
        /// The export looked for.
        export: String,
        /// The import of the parent.
        import: String,
    },
    /// The export has another type than the import.
    #[error("dependency '{dependency}' exports '{export}' which is not compatible with import '{import}': {reason}")]
    Incompatible {
        /// The dependency's name.
        dependency: String,
        /// The export.
        export: String,
        /// The import of the parent.
        import: String,
        /// What the type checker said.
        reason: String,
    },
    /// The composition itself failed.
    #[error("composing component '{component}' failed: {reason}")]
    Graph {
        /// The parent.
        component: String,
        /// What the composer said.
        reason: String,
    },
}

fn imported(imports: &[String]) -> String {
    if imports.is_empty() {
        String::new()
    } else {
        format!("; it imports {}", imports.join(", "))
    }
}
