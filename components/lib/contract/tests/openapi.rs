//! The OpenAPI document is checked in: a change of the API is seen in review, and the web app's types follow it.
//! `cargo xtask gen` (which sets `INSTA_UPDATE=always`) writes it anew.
#![cfg(test)]

use std::path::Path;

#[test]
fn the_checked_in_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let document = serde_json::to_value(sam_contract::openapi::document()).unwrap();
    let mut current = serde_json::to_string_pretty(&document).unwrap();
    current.push('\n');
    if std::env::var("INSTA_UPDATE").as_deref() == Ok("always") {
        std::fs::write(&path, &current).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let line = golden.lines().zip(current.lines()).position(|(old, new)| old != new);
    assert!(
        golden == current,
        "openapi.json differs at line {:?}; run `cargo xtask gen`",
        line.map(|n| n + 1)
    );
}

#[test]
fn every_reference_leads_to_a_schema() {
    let document = serde_json::to_value(sam_contract::openapi::document()).unwrap();
    let text = document.to_string();
    let references: Vec<&str> = text
        .split("\"#/components/schemas/")
        .skip(1)
        .filter_map(|t| t.split('"').next())
        .collect();
    assert!(
        references.len() > 50,
        "only {} references: is the document empty?",
        references.len()
    );
    for name in references {
        assert!(
            document["components"]["schemas"].get(name).is_some(),
            "no schema `{name}`"
        );
    }
    assert_eq!(document["openapi"], "3.1.0");
}
