//! Least privilege: a built component imports nothing beyond its world, `spin.toml` grants nothing its world does
//! not need, and only the vault can read variables.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use wit_component::DecodedWasm;
use wit_parser::WorldItem;

use crate::tree::{folders, none, root};

/// Interfaces through which a component could read a variable, and so a key.
const VARIABLES: &[&str] = &["spin:variables/", "fermyon:spin/variables", "wasi:config/"];

fn nouns() -> Vec<String> {
    folders("components").into_iter().filter(|noun| noun != "lib").collect()
}

fn built(noun: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir));
    target.join(format!("wasm32-wasip2/release/sam_{}.wasm", noun.replace('-', "_")))
}

/// The interfaces a built, uncomposed component imports.
fn imports(noun: &str) -> BTreeSet<String> {
    let path = built(noun);
    let bytes = fs::read(&path).unwrap_or_else(|_| {
        panic!(
            "{} is not built: run `cargo xtask test rust`, which builds it",
            path.display()
        )
    });
    let DecodedWasm::Component(resolve, world) = wit_component::decode(&bytes).expect("a component") else {
        panic!("{} is a WIT package, not a component", path.display());
    };
    let items = resolve.worlds[world].imports.iter();
    items
        .map(|(key, item)| match item {
            WorldItem::Interface { id, .. } => resolve.id_of(*id).unwrap_or_else(|| resolve.name_world_key(key)),
            _ => resolve.name_world_key(key),
        })
        .collect()
}

/// The interfaces its world allows.
fn world(noun: &str) -> BTreeSet<String> {
    let path = root().join(format!("wit/worlds/{noun}.wit"));
    let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{} is missing", path.display()));
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("import "));
    lines
        .filter_map(|line| line.split(';').next())
        .map(|name| name.trim().to_owned())
        .collect()
}

#[test]
fn a_component_imports_nothing_beyond_its_world() {
    let mut broken = Vec::new();
    for noun in nouns() {
        let (imports, world) = (imports(&noun), world(&noun));
        broken.extend(
            imports
                .difference(&world)
                .map(|name| format!("{noun} imports {name}, its world does not")),
        );
        broken.extend(
            world
                .difference(&imports)
                .map(|name| format!("{noun}'s world allows {name}, unused")),
        );
    }
    none("worlds say exactly what is imported", &broken);
}

#[test]
fn only_the_vault_reads_variables() {
    let reads = |noun: &String| {
        imports(noun)
            .iter()
            .any(|name| VARIABLES.iter().any(|banned| name.starts_with(banned)))
    };
    let broken: Vec<_> = nouns()
        .into_iter()
        .filter(|noun| noun != "vault")
        .filter(reads)
        .collect();
    none(
        "a component that holds the vault is granted its variables by Spin and must not be able to read them",
        &broken,
    );
}

#[test]
fn nothing_is_granted_in_vain() {
    let app = spin_host_manifest::Manifest::load(&root().join("spin.toml")).unwrap_or_else(|error| panic!("{error}"));
    let mut broken = Vec::new();
    for (id, component) in &app.components {
        let world = world(id);
        let needs = |prefixes: &[&str]| {
            world
                .iter()
                .any(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)))
        };
        let has_vault = needs(&["sam:vault/"]);
        let grants = [
            (
                "key_value_stores",
                component.key_value_stores.is_empty(),
                needs(&["spin:key-value/"]),
            ),
            (
                "sqlite_databases",
                component.sqlite_databases.is_empty(),
                needs(&["spin:sqlite/"]),
            ),
            ("files", component.files.is_empty(), needs(&["wasi:filesystem/"])),
            (
                "variables",
                component.variables.is_empty(),
                needs(VARIABLES) || has_vault,
            ),
            (
                "allowed_outbound_hosts",
                component.allowed_outbound_hosts.is_empty(),
                needs(&["wasi:http/client", "wasi:http/outgoing-handler", "sam:cloud/"]),
            ),
        ];
        for (name, unset, needed) in grants {
            // A dependency must have no grants of its own: Spin hands it the parent's.
            if !unset && !needed {
                broken.push(format!(
                    "{id} is granted {name} and its world imports nothing that uses it"
                ));
            }
        }
    }
    none("grants follow worlds", &broken);
}
