//! A table belongs to one component: the others may read it, never write it. Spin grants SQLite per database,
//! not per table, so the source is where this can be seen.

use crate::tree::{Source, files, none, without_tests};

/// (table, folders that may write it).
const OWNERS: &[(&str, &[&str])] = &[
    ("accounts", &["components/identity"]),
    ("users", &["components/identity"]),
    ("identities", &["components/identity"]),
    ("login_links", &["components/identity"]),
    ("sessions", &["components/identity", "components/lib/kit"]),
    ("api_tokens", &["components/identity", "components/lib/kit"]),
    ("jobs", &["components/lib/kit", "components/ops"]),
    ("audit_log", &["components/lib/kit", "components/ops"]),
    ("rate_limits", &["components/lib/kit", "components/ops"]),
    ("schema_migrations", &["components/ops", "components/lib/domain"]),
    ("errors", &["components/lib/kit", "components/ops"]),
    ("events", &[]),
];

/// The table a line writes, if it does.
fn written(line: &str) -> Option<&str> {
    let upper = line.to_ascii_uppercase();
    ["INSERT INTO ", "UPDATE ", "DELETE FROM "].iter().find_map(|verb| {
        let at = upper.find(verb)?;
        let before = upper.get(..at)?.chars().last();
        if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            return None;
        }
        let rest = line.get(at + verb.len()..)?;
        let name = rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next()?;
        OWNERS.iter().any(|(table, _)| *table == name).then_some(name)
    })
}

fn component_sources() -> Vec<Source> {
    files(&[".rs"])
        .into_iter()
        .filter(|source| source.path.starts_with("components/") && !source.path.contains("/tests/"))
        .collect()
}

#[test]
fn only_the_owner_writes_a_table() {
    let mut broken = Vec::new();
    for source in component_sources() {
        for (n, line) in without_tests(&source.text).lines().enumerate() {
            let Some(table) = written(line) else { continue };
            let (_, owners) = OWNERS.iter().find(|(name, _)| *name == table).unwrap();
            if !owners.iter().any(|owner| source.path.starts_with(owner)) {
                broken.push(format!(
                    "{}:{}: writes `{table}`, owned by {owners:?}",
                    source.path,
                    n + 1
                ));
            }
        }
    }
    none("a table is written by its owner; `events` only by triggers", &broken);
}

#[test]
fn every_table_has_an_owner() {
    let mut broken = Vec::new();
    for source in files(&[".sql"]) {
        for line in source.text.lines() {
            let Some(rest) = line.trim().strip_prefix("CREATE TABLE ") else {
                continue;
            };
            let rest = rest.trim_start_matches("IF NOT EXISTS ").trim_matches('"');
            let name = rest
                .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .next()
                .unwrap_or_default();
            if !OWNERS.iter().any(|(table, _)| *table == name) {
                broken.push(format!("{}: `{name}` has no owner in tests/tidy", source.path));
            }
        }
    }
    none("every table has an owner", &broken);
}

#[test]
fn no_insert_or() {
    let banned = ["INSERT OR ", "OR REPLACE INTO", "BEGIN IMMEDIATE", "BEGIN TRANSACTION"];
    let mut broken = Vec::new();
    for source in component_sources().into_iter().chain(files(&[".sql"])) {
        for (n, line) in without_tests(&source.text).lines().enumerate() {
            let code = line.split("--").next().unwrap_or_default();
            if !line.trim_start().starts_with("//")
                && banned.iter().any(|word| code.to_ascii_uppercase().contains(word))
            {
                broken.push(format!("{}:{}", source.path, n + 1));
            }
        }
    }
    none(
        "INSERT OR swallows conflicts inside triggers, and components hold no interactive transactions",
        &broken,
    );
}
