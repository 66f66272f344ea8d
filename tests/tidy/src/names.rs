//! One noun, one spelling, everywhere.

use crate::tree::{folders, none, root};

#[test]
fn each_component_has_its_world() {
    let broken: Vec<_> = folders("components")
        .into_iter()
        .filter(|noun| noun != "lib")
        .filter(|noun| !root().join(format!("wit/worlds/{noun}.wit")).is_file())
        .map(|noun| format!("wit/worlds/{noun}.wit is missing"))
        .collect();
    none("a component's world says what it may import", &broken);
}

#[test]
fn each_component_is_in_the_manifest() {
    let app = spin_host_manifest::Manifest::load(&root().join("spin.toml")).unwrap_or_else(|error| panic!("{error}"));
    let broken: Vec<_> = folders("components")
        .into_iter()
        .filter(|noun| noun != "lib" && !app.components.contains_key(noun.as_str()))
        .map(|noun| format!("components/{noun} is not in spin.toml"))
        .collect();
    none("one component per concern, all of them in spin.toml", &broken);
}
