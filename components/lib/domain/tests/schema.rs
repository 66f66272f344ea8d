//! The migration files against a real SQLite: each splits into statements that run, their sum is `schema.sql`, each is
//! safe to repeat, and each table with effects has the generated triggers.
//!
//! `cargo xtask gen` (which sets `INSTA_UPDATE=always`) writes `schema.sql` anew.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use sam_domain::effects;
use sam_domain::migrations::{LEDGER, already_done, statements};

fn folder(database: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../migrations")
        .join(database)
}

/// The files of a database with their text, in order.
fn files(database: &str) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(folder(database))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "sql") && !path.ends_with("schema.sql"));
    files.sort();
    let named = |path: PathBuf| {
        (
            path.file_name().unwrap().to_string_lossy().into_owned(),
            fs::read_to_string(path).unwrap(),
        )
    };
    files.into_iter().map(named).collect()
}

fn migrated(database: &str) -> Connection {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(LEDGER).unwrap();
    for (file, text) in files(database) {
        for statement in statements(&text) {
            db.execute(statement, [])
                .unwrap_or_else(|error| panic!("{file}: {error}\n{statement}"));
        }
    }
    db
}

fn schema(db: &Connection) -> Vec<String> {
    let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY tbl_name, type <> 'table', name";
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn check_golden(database: &str) {
    let head = "-- Made by `cargo xtask gen` from the migrations beside it. Never edited by hand.\n\n";
    let current = format!("{head}{};\n", schema(&migrated(database)).join(";\n\n"));
    let path = folder(database).join("schema.sql");
    if std::env::var("INSTA_UPDATE").as_deref() == Ok("always") {
        fs::write(&path, &current).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == current,
        "migrations/{database}/schema.sql is not the sum of the migrations: run `cargo xtask gen`"
    );
}

#[test]
fn schema_sql_is_the_sum_of_the_migrations() {
    check_golden("default");
    check_golden("observability");
}

#[test]
fn files_are_numbered_without_gaps() {
    for database in ["default", "observability"] {
        for (n, (file, _)) in files(database).iter().enumerate() {
            assert!(
                file.starts_with(&format!("{:04}_", n + 1)),
                "{database}/{file} should have number {}",
                n + 1
            );
        }
    }
}

#[test]
fn each_statement_may_be_repeated_after_a_crash() {
    for database in ["default", "observability"] {
        let db = migrated(database);
        for (file, text) in files(database) {
            for statement in statements(&text) {
                let Err(error) = db.execute(statement, []) else {
                    continue;
                };
                assert!(already_done(&error.to_string()), "{file}: {error}\n{statement}");
            }
        }
    }
}

#[test]
fn tables_with_effects_have_the_generated_triggers() {
    let db = migrated("default");
    let sql =
        "SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'effects'";
    let tables: Vec<String> = db
        .prepare(sql)
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(tables.len() >= 2, "{tables:?}");
    let schema = schema(&db);
    for table in tables {
        let text = effects::triggers(&table);
        for trigger in statements(&text) {
            // SQLite keeps the text of a trigger, but not `IF NOT EXISTS`.
            let kept = trigger.replacen(" IF NOT EXISTS", "", 1);
            assert!(
                schema.contains(&kept),
                "the migration of `{table}` lacks this trigger:\n\n{trigger};"
            );
        }
    }
}
