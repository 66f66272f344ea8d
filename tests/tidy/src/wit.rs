//! Everything in a published WIT package is documented.

use crate::tree::{files, none};

#[test]
fn every_item_has_a_doc_comment() {
    let mut broken = Vec::new();
    for source in files(&[".wit"])
        .into_iter()
        .filter(|s| s.path.starts_with("wit/") && !s.path.starts_with("wit/worlds/"))
    {
        let mut documented = false;
        for (n, line) in source.text.lines().enumerate() {
            let line = line.trim();
            let item = [
                "interface ",
                "world ",
                "record ",
                "variant ",
                "enum ",
                "resource ",
                "flags ",
            ]
            .iter()
            .any(|word| line.starts_with(word))
                || line.contains(": func(")
                || line.contains(": async func(");
            if item && !documented {
                broken.push(format!("{}:{}: {line}", source.path, n + 1));
            }
            documented = line.starts_with("///") || (documented && line.starts_with('@'));
        }
    }
    none("`///` on every WIT item", &broken);
}

#[test]
fn every_package_has_a_version() {
    let broken: Vec<_> = files(&[".wit"])
        .into_iter()
        .filter(|source| source.path.starts_with("wit/"))
        .filter(|source| {
            source
                .text
                .lines()
                .any(|l| l.starts_with("package ") && !l.contains('@'))
        })
        .map(|source| source.path)
        .collect();
    none("a WIT package has a version", &broken);
}
