//! Applies the migrations that are compiled in. What is to be done is decided by `domain::migrations`.

use sam_domain::migrations::{LEDGER, Migration, Pending, already_done, plan, statements};
use sam_kit::db::{Db, DbError};
use sam_kit::error::ApiError;
use sam_kit::params;

use crate::store::schema;

macro_rules! migrations {
    ($database:literal: $($version:literal $name:literal),+ $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../../migrations/", $database, "/", $name, ".sql")),
        }),+]
    };
}

/// Of the core database.
pub const DEFAULT: &[Migration] = migrations!(
    "default": 1 "0001_core", 2 "0002_identity", 3 "0003_nodes", 4 "0004_workspaces"
);

/// Of the error reports.
pub const OBSERVABILITY: &[Migration] = migrations!("observability": 1 "0001_errors");

/// Brings a database up to date. Repeating it, or going on after a crash anywhere, does no harm.
///
/// # Errors
/// When the schema is refused or a statement fails; the message names it.
pub async fn apply(db: &impl Db, known: &[Migration], now: i64) -> Result<Vec<&'static str>, ApiError> {
    set_write_ahead_log(db).await;
    db.query(LEDGER, params![]).await?;
    let pending = plan(known, &schema::recorded(db).await?);
    let pending = pending.map_err(|refusal| ApiError::unavailable(refusal.to_string(), refusal.to_string()))?;
    let mut applied = Vec::new();
    for pending in pending {
        one(db, &pending, now).await?;
        applied.push(pending.migration.name);
    }
    Ok(applied)
}

async fn one(db: &impl Db, pending: &Pending, now: i64) -> Result<(), ApiError> {
    let Migration { version, name, sql } = pending.migration;
    schema::begin(db, &pending.migration).await?;
    for (n, statement) in statements(sql).into_iter().enumerate().skip(pending.done) {
        let may_be_done = pending.interrupted && n == pending.done;
        match db.query(statement, params![]).await {
            Ok(_) => {}
            Err(error) if may_be_done && already_done(&error.to_string()) => {}
            Err(error) => {
                let head = statement.lines().next().unwrap_or_default();
                return Err(ApiError::internal(format!(
                    "migration {name}, statement {} (`{head}`): {error}",
                    n + 1
                )));
            }
        }
        schema::step(db, version, n + 1).await?;
    }
    schema::finish(db, version, now).await?;
    Ok(())
}

/// On upstream Spin the journal mode is ours to choose, once: it stays with the file. `sam-host` has chosen already
/// and refuses such a statement, and libSQL has no such thing; neither is a reason to stop.
async fn set_write_ahead_log(db: &impl Db) {
    let mode: Result<Option<String>, DbError> = db
        .row("PRAGMA journal_mode", params![])
        .await
        .and_then(|row| row.map(|row| row.get("journal_mode")).transpose());
    if !matches!(mode.as_ref().map(Option::as_deref), Ok(Some("wal" | "WAL"))) {
        let _ = db.query("PRAGMA journal_mode = WAL", params![]).await;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use futures::executor::block_on;
    use sam_kit::native::NativeDb;

    use super::*;

    /// Every file is compiled in, under its own number.
    #[test]
    fn the_lists_are_the_folders() {
        for (database, known) in [("default", DEFAULT), ("observability", OBSERVABILITY)] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../../migrations")
                .join(database);
            let mut files: Vec<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|f| f.unwrap().file_name().into_string().unwrap())
                .collect();
            files.retain(|name| name != "schema.sql");
            files.sort();
            let listed: Vec<String> = known.iter().map(|m| format!("{}.sql", m.name)).collect();
            assert_eq!(listed, files, "{database}");
            assert!(
                known.iter().all(|m| m.name.starts_with(&format!("{:04}_", m.version))),
                "{database}"
            );
        }
    }

    #[test]
    fn a_second_run_has_nothing_to_do() {
        let db = NativeDb::open().unwrap();
        assert_eq!(
            block_on(apply(&db, DEFAULT, 1)).unwrap(),
            ["0001_core", "0002_identity", "0003_nodes", "0004_workspaces"]
        );
        assert_eq!(block_on(apply(&db, DEFAULT, 2)).unwrap(), [""; 0]);
    }

    /// Statements that cannot be repeated.
    const STUBBORN: Migration = Migration {
        version: 1,
        name: "0001_stubborn",
        sql: "CREATE TABLE a (x); ALTER TABLE a ADD COLUMN y; CREATE TABLE b (x);",
    };

    /// Whatever statement the process dies at, before or after it took effect: the next run ends with the same schema.
    #[test]
    fn a_crash_at_any_point_is_made_good() {
        check_crashes(DEFAULT);
        check_crashes(&[STUBBORN]);
    }

    #[test]
    fn what_was_there_before_is_not_taken_for_done() {
        let db = NativeDb::open().unwrap();
        block_on(db.query("CREATE TABLE a (other)", params![])).unwrap();
        let error = block_on(apply(&db, &[STUBBORN], 1)).unwrap_err();
        let internal = error.internal.unwrap();
        assert!(
            internal.contains("0001_stubborn, statement 1") && internal.contains("already exists"),
            "{internal}"
        );
    }

    fn check_crashes(known: &[Migration]) {
        let whole = NativeDb::open().unwrap();
        block_on(apply(&whole, known, 1)).unwrap();
        let statements_total = whole.statements();
        for crash_at in 0..statements_total {
            for took_effect in [false, true] {
                let db = NativeDb::open().unwrap();
                db.crash_at(crash_at, took_effect);
                assert!(block_on(apply(&db, known, 1)).is_err(), "no crash at {crash_at}");
                db.restart();
                block_on(apply(&db, known, 2)).unwrap_or_else(|e| panic!("after {crash_at} {took_effect}: {e:?}"));
                assert_eq!(
                    db.schema().unwrap(),
                    whole.schema().unwrap(),
                    "after {crash_at} {took_effect}"
                );
            }
        }
    }

    #[test]
    fn an_edited_history_is_refused() {
        let db = NativeDb::open().unwrap();
        block_on(apply(&db, DEFAULT, 1)).unwrap();
        let edited = [
            Migration {
                sql: "SELECT 1;",
                ..DEFAULT[0]
            },
            DEFAULT[1],
        ];
        let error = block_on(apply(&db, &edited, 2)).unwrap_err();
        assert!(
            error.message.contains("migration 1 (0001_core) was changed"),
            "{}",
            error.message
        );
    }
}
