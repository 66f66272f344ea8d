//! File sizes, module doors, purity of `domain`.

use crate::tree::{Source, files, none, without_tests};

/// No source file is longer, tests and generated files aside (STYLE 4).
const LINES_MAX: usize = 500;

fn is_test_or_generated(path: &str) -> bool {
    path.split('/').any(|part| part == "tests") && !path.starts_with("tests/tidy") || path.contains(".gen.")
}

#[test]
fn no_file_is_too_long() {
    let long = |source: &Source| without_tests(&source.text).lines().count() > LINES_MAX;
    let broken: Vec<_> = files(&[".rs", ".ts", ".svelte"])
        .into_iter()
        .filter(|source| !is_test_or_generated(&source.path) && long(source))
        .map(|source| format!("{}: {} lines", source.path, source.text.lines().count()))
        .collect();
    none(
        &format!("a file over {LINES_MAX} lines has two ideas in it: split it"),
        &broken,
    );
}

#[test]
fn modules_have_nouns() {
    let banned = [
        "utils", "util", "common", "helpers", "helper", "types", "manager", "misc",
    ];
    let broken: Vec<_> = files(&[".rs", ".ts", ".svelte"])
        .into_iter()
        .filter(|source| {
            let parts = source.path.trim_end_matches(".rs").trim_end_matches(".ts").split('/');
            source.path.ends_with("/mod.rs") || parts.into_iter().any(|part| banned.contains(&part))
        })
        .map(|source| source.path)
        .collect();
    none(
        "no mod.rs, and no module named after nothing: give it the noun it is about",
        &broken,
    );
}

#[test]
fn every_rust_file_says_what_it_is() {
    let broken: Vec<_> = files(&[".rs"])
        .into_iter()
        .filter(|source| !source.text.trim_start().starts_with("//!"))
        .map(|source| source.path)
        .collect();
    none(
        "a Rust file starts with `//!`: what the module does and what it does not",
        &broken,
    );
}

#[test]
fn domain_is_pure() {
    let impure = [
        "std::fs",
        "std::net",
        "std::time",
        "std::env",
        "std::process",
        "std::io",
        "async fn",
        "serde",
        "rand",
    ];
    let broken: Vec<_> = files(&[".rs"])
        .into_iter()
        .filter(|source| {
            let pure = ["components/lib/domain/src", "agent/domain/src"];
            pure.iter().any(|folder| source.path.starts_with(folder))
        })
        .flat_map(|source| {
            let code: String = without_tests(&source.text)
                .lines()
                .filter(|l| !l.trim_start().starts_with("//"))
                .collect();
            let found = impure.iter().filter(move |word| code.contains(**word));
            found.map(|word| format!("{}: {word}", source.path)).collect::<Vec<_>>()
        })
        .collect();
    none("domain is values in, values out", &broken);
}

#[test]
fn nothing_is_left_for_later() {
    // Spelt in two halves so that this file does not find itself.
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X "),
        concat!("unimpl", "emented!"),
    ];
    let broken: Vec<_> = files(&[".rs", ".ts", ".svelte", ".wit", ".sql", ".toml"])
        .into_iter()
        .flat_map(|source| {
            let hit = |line: &str| marks.iter().any(|mark| line.contains(mark));
            let lines = source.text.lines().enumerate().filter(|(_, line)| hit(line));
            lines
                .map(|(n, _)| format!("{}:{}", source.path, n + 1))
                .collect::<Vec<_>>()
        })
        .collect();
    none("finish it or say in the issue that it is missing", &broken);
}

#[test]
fn no_test_is_ignored() {
    let marks = [
        concat!("#[ig", "nore"),
        concat!("thread::sl", "eep(Duration::from_secs(1"),
        concat!(".sk", "ip("),
    ];
    let broken: Vec<_> = files(&[".rs", ".ts"])
        .into_iter()
        .filter(|source| source.path.contains("test"))
        .filter(|source| {
            marks.iter().any(|mark| {
                source.text.contains(mark) && !mark.starts_with(".sk")
                    || source.path.ends_with(".spec.ts") && source.text.contains(mark)
            })
        })
        .map(|source| source.path)
        .collect();
    none("a test runs, and waits for a condition with a deadline", &broken);
}
