//! Which crate may depend on which: the table of ARCHITECTURE.md, enforced.

use std::fs;

use crate::tree::{files, folders, none, root, without_tests};

/// (folder, crates it may not depend on, why).
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    (
        "runtime-host/spin/manifest",
        &["wasmtime", "tokio", "sam-", "spin-sdk"],
        "reads manifests, nothing else",
    ),
    (
        "runtime-host/spin/sqlite",
        &["wasmtime", "sam-", "spin-sdk"],
        "storage knows no wasm",
    ),
    (
        "runtime-host/spin",
        &["sam-", "spin-sdk"],
        "the host knows no business word and could be published alone",
    ),
    (
        "runtime-host/edge",
        &["wasmtime", "spin-host", "spin-sdk", "sam-host"],
        "the edge serves any upstream",
    ),
    (
        "runtime-host/tunnel",
        &["wasmtime", "sam-", "spin-", "axum"],
        "both ends of a tunnel use it: the host and the small agent",
    ),
    (
        "runtime-host",
        &["spin-sdk", "sam-kit"],
        "the host runs components, it is none",
    ),
    (
        "agent/supervisor",
        &["tokio", "serde", "sam-"],
        "tiny, and changes rarely: it runs for as long as a workspace does",
    ),
    (
        "agent/domain",
        &["serde", "tokio", "sam-", "rand", "getrandom", "rustix"],
        "the agent's decisions are pure",
    ),
    (
        "agent",
        &["wasmtime", "spin-", "sam-kit", "sam-domain", "sam-edge", "sam-host"],
        "an agent knows the control plane by its contract only, and an idle one carries no wasm engine",
    ),
    (
        "components/lib/domain",
        &["serde", "tokio", "wasmtime", "spin-sdk", "sam-", "rand", "getrandom"],
        "domain is pure",
    ),
    (
        "components/lib/contract",
        &["spin-sdk", "tokio", "wasmtime", "sam-kit", "sam-domain"],
        "wire types only",
    ),
];

/// The names in `[dependencies]` of the crate in `folder`.
fn dependencies(folder: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    manifest
        .get("dependencies")
        .and_then(|d| d.as_table())
        .map(|d| d.keys().cloned().collect())
        .unwrap_or_default()
}

#[test]
fn crates_depend_in_one_direction() {
    let mut broken = Vec::new();
    for (folder, forbidden, why) in FORBIDDEN {
        for dependency in dependencies(folder) {
            if forbidden.iter().any(|name| dependency.starts_with(name)) {
                broken.push(format!("{folder} depends on {dependency}: {why}"));
            }
        }
    }
    none("import edges", &broken);
}

#[test]
fn components_never_depend_on_each_other() {
    let nouns = folders("components")
        .into_iter()
        .filter(|noun| noun != "lib")
        .collect::<Vec<_>>();
    let mut broken = Vec::new();
    for noun in &nouns {
        for dependency in dependencies(&format!("components/{noun}")) {
            if nouns.iter().any(|other| dependency == format!("sam-{other}")) {
                broken.push(format!("{noun} depends on {dependency}"));
            }
        }
    }
    none(
        "a component commands another by a job in its queue, never by code",
        &broken,
    );
}

#[test]
fn the_spin_half_has_no_business_words() {
    let words = ["workspace", "sam_", "x-sam", "SAM", "tenant", "login"];
    let broken: Vec<_> = files(&[".rs"])
        .into_iter()
        .filter(|source| source.path.starts_with("runtime-host/spin/") && source.path.contains("/src/"))
        .flat_map(|source| {
            let code = without_tests(&source.text).to_owned();
            words
                .iter()
                .filter(move |word| code.contains(**word))
                .map(|word| format!("{}: {word}", source.path))
                .collect::<Vec<_>>()
        })
        .collect();
    none("spin-host knows no business word", &broken);
}
