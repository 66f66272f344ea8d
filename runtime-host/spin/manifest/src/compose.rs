//! Wires the dependencies of a component into it: one wasm component comes out, which the host runs like any other.
//!
//! Names are matched as Spin does: a dependency satisfies every import of its parent that its name covers, by the
//! export of the same name (or the one that `export` names). Imports of the dependency that nothing satisfies become
//! imports of the whole, so the host serves them; they are shared with the parent's imports of the same name. Only
//! the parent's imports are wired: a dependency cannot have dependencies of its own.
//!
//! What the dependency does not inherit is denied inside the result (see `compose/deny.rs`): the host grants the
//! composed component exactly what the parent's manifest entry says and needs to know nothing else.

mod deny;
mod error;

use std::fs;
use std::path::Path;

use indexmap::IndexMap;
use wac_graph::types::{Package, SubtypeChecker, WorldId};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use crate::{App, Dependency, DependencyName, DependencySource};
pub use error::ComposeError;

/// Reads the wasm of component `id` and of its dependencies and composes them.
///
/// A component without dependencies is returned as it is.
pub fn compose(app: &App, id: &str) -> Result<Vec<u8>, ComposeError> {
    let component = app
        .components
        .get(id)
        .ok_or_else(|| ComposeError::UnknownComponent(id.to_owned()))?;
    let root = read(app, id, &component.source)?;
    let mut dependencies = Vec::new();
    for (name, dependency) in &component.dependencies {
        let wasm = match &dependency.source {
            DependencySource::Path(path) => read(app, id, path)?,
            DependencySource::Component(used) => {
                let source = app.components.get(used).map(|used| &used.source);
                read(
                    app,
                    used,
                    source.ok_or_else(|| ComposeError::UnknownComponent(used.clone()))?,
                )?
            }
        };
        dependencies.push((name, dependency, wasm));
    }
    compose_parts(id, root, dependencies)
}

fn read(app: &App, component: &str, path: &Path) -> Result<Vec<u8>, ComposeError> {
    let file = app.path(path);
    fs::read(&file).map_err(|source| ComposeError::Read {
        component: component.to_owned(),
        file,
        source,
    })
}

/// Composes wasm that is in memory already: the component `id` and its dependencies.
pub fn compose_parts<'d>(
    id: &str,
    root: Vec<u8>,
    dependencies: impl IntoIterator<Item = (&'d DependencyName, &'d Dependency, Vec<u8>)>,
) -> Result<Vec<u8>, ComposeError> {
    let mut dependencies = dependencies.into_iter().peekable();
    if dependencies.peek().is_none() {
        return Ok(root);
    }
    let mut composition = Composition {
        component: id,
        graph: CompositionGraph::new(),
    };
    let root = composition.instantiate(id, &format!("component '{id}'"), root)?;
    // Import of the parent → the dependency that satisfies it, and the name of its export.
    let mut wired: IndexMap<String, (&DependencyName, Instance, String)> = IndexMap::new();
    for (name, dependency, wasm) in dependencies {
        let imports = composition.matching_imports(&root, name)?;
        let instance = composition.dependency(name, dependency, wasm)?;
        for import in imports {
            let export = dependency.export.clone().unwrap_or_else(|| import.clone());
            if let Some((first, ..)) = wired.get(&import) {
                let (component, first) = (id.to_owned(), first.to_string());
                return Err(ComposeError::Conflict {
                    component,
                    import,
                    first,
                    second: name.to_string(),
                });
            }
            wired.insert(import, (name, instance, export));
        }
    }
    for (import, (name, instance, export)) in wired {
        composition.wire(&root, &import, name, &instance, &export)?;
    }
    composition.finish(&root)
}

/// One instantiated component of the graph.
#[derive(Clone, Copy)]
struct Instance {
    world: WorldId,
    node: NodeId,
}

struct Composition<'a> {
    /// Id of the parent, for error messages.
    component: &'a str,
    graph: CompositionGraph,
}

impl Composition<'_> {
    fn graph_error(&self, error: impl std::error::Error) -> ComposeError {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            reason = format!("{reason}: {cause}");
            source = cause.source();
        }
        ComposeError::Graph {
            component: self.component.to_owned(),
            reason,
        }
    }

    fn instantiate(&mut self, package: &str, what: &str, wasm: Vec<u8>) -> Result<Instance, ComposeError> {
        let package = Package::from_bytes(package, None, wasm, self.graph.types_mut()).map_err(|error| {
            ComposeError::NotAComponent {
                what: what.to_owned(),
                reason: format!("{error:#}"),
            }
        })?;
        let world = package.ty();
        let package = self
            .graph
            .register_package(package)
            .map_err(|error| self.graph_error(error))?;
        Ok(Instance {
            world,
            node: self.graph.instantiate(package),
        })
    }

    /// Instantiates a dependency behind the denier of what it does not inherit.
    fn dependency(
        &mut self,
        name: &DependencyName,
        dependency: &Dependency,
        wasm: Vec<u8>,
    ) -> Result<Instance, ComposeError> {
        let what = format!("dependency '{name}'");
        let denier = deny::denier(&wasm, &dependency.inherit).map_err(|reason| ComposeError::NotAComponent {
            what: what.clone(),
            reason,
        })?;
        let instance = self.instantiate(name.package(), &what, wasm)?;
        if let Some(denier) = denier {
            let what = format!("the denier of {what}");
            let denying = self.instantiate(&format!("denier-of-{}", name.package()), &what, denier.wasm)?;
            for interface in &denier.interfaces {
                self.connect(&denying, interface, &instance, interface)?;
            }
        }
        Ok(instance)
    }

    fn imports(&self, instance: &Instance) -> Vec<String> {
        self.world(instance).imports.keys().cloned().collect()
    }

    fn world(&self, instance: &Instance) -> &wac_graph::types::World {
        &self.graph.types()[instance.world]
    }

    fn matching_imports(&self, root: &Instance, name: &DependencyName) -> Result<Vec<String>, ComposeError> {
        let imports = self.imports(root);
        let matching: Vec<_> = imports.iter().filter(|import| name.matches(import)).cloned().collect();
        if matching.is_empty() {
            return Err(ComposeError::UnmatchedName {
                component: self.component.to_owned(),
                dependency: name.to_string(),
                imports: imports
                    .into_iter()
                    .filter(|import| import.starts_with(name.package()))
                    .collect(),
            });
        }
        Ok(matching)
    }

    /// Passes `export` of a dependency as the argument `import` of the parent.
    fn wire(
        &mut self,
        root: &Instance,
        import: &str,
        name: &DependencyName,
        dependency: &Instance,
        export: &str,
    ) -> Result<(), ComposeError> {
        let Some(exported) = self.world(dependency).exports.get(export).copied() else {
            return Err(ComposeError::MissingExport {
                dependency: name.to_string(),
                export: export.to_owned(),
                import: import.to_owned(),
            });
        };
        if let Some(imported) = self.world(root).imports.get(import).copied() {
            let mut cache = Default::default();
            let types = self.graph.types();
            SubtypeChecker::new(&mut cache)
                .is_subtype(exported, types, imported, types)
                .map_err(|error| ComposeError::Incompatible {
                    dependency: name.to_string(),
                    export: export.to_owned(),
                    import: import.to_owned(),
                    reason: format!("{error:#}"),
                })?;
        }
        self.connect(dependency, export, root, import)
    }

    /// Passes an export of one instance as an argument of another.
    fn connect(&mut self, from: &Instance, export: &str, to: &Instance, import: &str) -> Result<(), ComposeError> {
        let export = self
            .graph
            .alias_instance_export(from.node, export)
            .map_err(|error| self.graph_error(error))?;
        self.graph
            .set_instantiation_argument(to.node, import, export)
            .map_err(|error| self.graph_error(error))
    }

    /// Exports everything the parent exports and encodes the whole.
    fn finish(mut self, root: &Instance) -> Result<Vec<u8>, ComposeError> {
        let exports: Vec<String> = self.world(root).exports.keys().cloned().collect();
        for name in exports {
            let node = self
                .graph
                .alias_instance_export(root.node, &name)
                .map_err(|error| self.graph_error(error))?;
            self.graph
                .export(node, &name)
                .map_err(|error| self.graph_error(error))?;
        }
        self.graph
            .encode(EncodeOptions::default())
            .map_err(|error| self.graph_error(error))
    }
}
