//! A group commit gives each member what it would have got alone: compared with plain SQLite, statement by statement.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;

use proptest::prelude::*;
use spin_host_sqlite::{Database, Error, Options, Value};

/// `old` is a table as another host may have left it: its constraint rolls the whole transaction back.
const SCHEMA: &str = "
    CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER UNIQUE, b TEXT NOT NULL DEFAULT 'x' CHECK (length(b) < 4));
    CREATE TABLE child (id INTEGER PRIMARY KEY, t INTEGER NOT NULL REFERENCES t(id) DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE log (what TEXT, a INTEGER);
    CREATE TABLE old (a INTEGER UNIQUE ON CONFLICT ROLLBACK);
    CREATE TRIGGER t_insert AFTER INSERT ON t BEGIN
        INSERT INTO log VALUES ('insert', new.a);
        SELECT RAISE(ABORT, 'thirteen is refused') WHERE new.a = 13;
    END;
    CREATE TRIGGER t_delete AFTER DELETE ON t BEGIN INSERT INTO log VALUES ('delete', old.a); END;
    CREATE TRIGGER log_rollback BEFORE INSERT ON log WHEN new.what = 'bomb' BEGIN SELECT RAISE(ROLLBACK, 'bomb'); END;";

/// One statement over a small key space, so that conflicts are common.
fn statement() -> impl Strategy<Value = String> {
    let a = 0..16_i64;
    let b = prop_oneof![Just("x"), Just("yy"), Just("toolong")];
    prop_oneof![
        6 => (a.clone(), b.clone()).prop_map(|(a, b)| format!("INSERT INTO t (a, b) VALUES ({a}, '{b}')")),
        3 => (a.clone(), b.clone()).prop_map(|(a, b)| format!("INSERT INTO t (a, b) VALUES ({a}, '{b}'), ({}, '{b}') RETURNING id, a", a + 1)),
        2 => a.clone().prop_map(|a| format!("INSERT INTO t (a) VALUES ({a}) ON CONFLICT (a) DO NOTHING RETURNING id")),
        2 => a.clone().prop_map(|a| format!("INSERT INTO t (a) VALUES ({a}) ON CONFLICT (a) DO UPDATE SET b = 'up' RETURNING id, b")),
        2 => (a.clone(), b).prop_map(|(a, b)| format!("UPDATE t SET b = '{b}' WHERE a < {a} RETURNING a")),
        2 => a.clone().prop_map(|a| format!("DELETE FROM t WHERE a = {a}")),
        2 => a.clone().prop_map(|a| format!("INSERT INTO child (t) VALUES ({a})")),
        1 => a.clone().prop_map(|a| format!("INSERT INTO child (t) VALUES (last_insert_rowid() + {a} % 2)")),
        2 => a.clone().prop_map(|a| format!("INSERT INTO old VALUES ({a} % 3)")),
        1 => Just("INSERT INTO log VALUES ('bomb', 0)".to_owned()),
        1 => Just("INSERT INTO absent VALUES (1)".to_owned()),
        1 => a.prop_map(|a| format!("WITH v(a) AS (VALUES ({a})) INSERT INTO t (a) SELECT a FROM v")),
    ]
}

/// What a guest can observe of one statement.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    /// Rows, or SQLite's message.
    result: Result<Vec<Vec<Value>>, String>,
    changes: u64,
    rowid: i64,
}

/// The statements on plain connections, one after the other. `changes` of a failed one are not compared.
fn plain(path: &Path, statements: &[(usize, String)]) -> Vec<Seen> {
    let connections: Vec<_> = (0..GUESTS)
        .map(|_| {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection
                .execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF; CREATE TEMP TABLE rowid_of (id INTEGER PRIMARY KEY)")
                .unwrap();
            connection
        })
        .collect();
    statements
        .iter()
        .map(|(guest, sql)| {
            let connection = &connections[*guest];
            let rowid = connection.last_insert_rowid();
            let result = plain_one(connection, sql).map_err(|error| match error {
                rusqlite::Error::SqliteFailure(_, Some(message)) => message,
                rusqlite::Error::SqlInputError { msg, .. } => msg,
                other => other.to_string(),
            });
            let changes = if result.is_ok() { connection.changes() } else { 0 };
            // SQLite keeps the rowid of an INSERT that a trigger undid; the WIT speaks of successful ones only.
            if result.is_err() {
                connection
                    .execute("INSERT OR REPLACE INTO temp.rowid_of VALUES (?1)", [rowid])
                    .unwrap();
            }
            Seen {
                changes,
                rowid: connection.last_insert_rowid(),
                result,
            }
        })
        .collect()
}

fn plain_one(connection: &rusqlite::Connection, sql: &str) -> rusqlite::Result<Vec<Vec<Value>>> {
    let mut prepared = connection.prepare(sql)?;
    let width = prepared.column_count();
    let mut rows = prepared.query([])?;
    let mut result = Vec::new();
    while let Some(row) = rows.next()? {
        result.push((0..width).map(|column| value(row.get_ref(column).unwrap())).collect());
    }
    Ok(result)
}

fn value(value: rusqlite::types::ValueRef<'_>) -> Value {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(text) => Value::Text(String::from_utf8(text.to_vec()).unwrap()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

const GUESTS: usize = 3;

/// The statements through one database, queued behind a held transaction so that they form one group.
async fn grouped(database: &Database, statements: &[(usize, String)]) -> Vec<Seen> {
    let gate = database.connect();
    gate.query("BEGIN IMMEDIATE", vec![]).await.unwrap();
    // One connection a statement: within a group, a connection's next statement would not know the rowid of the one
    // before, because nobody sends it before the first is answered.
    let mut tasks = Vec::new();
    for (position, (_, sql)) in statements.iter().enumerate() {
        let (connection, sql) = (database.connect(), sql.clone());
        tasks.push(tokio::spawn(async move {
            let result = connection.query(sql, vec![]).await.map(|rows| rows.rows);
            Seen {
                changes: if result.is_ok() { connection.changes() } else { 0 },
                rowid: connection.last_insert_rowid(),
                result: result.map_err(|error| error.to_string()),
            }
        }));
        // Queued in this order, without waiting for luck.
        while database.stats().queued <= position {
            tokio::task::yield_now().await;
        }
    }
    gate.query("ROLLBACK", vec![]).await.unwrap();
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(task.await.unwrap());
    }
    seen
}

fn dump(path: &Path) -> Vec<Vec<Value>> {
    let connection = rusqlite::Connection::open(path).unwrap();
    ["t", "child", "log", "old"]
        .iter()
        .flat_map(|table| plain_one(&connection, &format!("SELECT * FROM {table}")).unwrap())
        .collect()
}

/// In memory where possible: these tests are about content, and commit thousands of times.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn seed(dir: &Path, name: &str, deferred: bool) -> std::path::PathBuf {
    let path = dir.join(name);
    let schema = if deferred {
        SCHEMA.to_owned()
    } else {
        SCHEMA.replace("DEFERRABLE INITIALLY DEFERRED", "")
    };
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(&schema)
        .unwrap();
    path
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// One by one, with several connections whose `changes` and `last_insert_rowid` stay apart.
    #[test]
    fn statements_one_by_one(statements in prop::collection::vec((0..GUESTS, statement()), 1..40)) {
        let dir = scratch();
        let expect = plain(&seed(dir.path(), "plain.db", true), &statements);
        let path = seed(dir.path(), "ours.db", true);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let database = Database::open(&path, Options::default()).unwrap();
        let guests: Vec<_> = (0..GUESTS).map(|_| database.connect()).collect();
        for ((guest, sql), expect) in statements.iter().zip(expect) {
            let connection = &guests[*guest];
            let result = runtime.block_on(connection.query(sql.clone(), vec![]));
            let seen = Seen {
                changes: if result.is_ok() { connection.changes() } else { 0 },
                rowid: connection.last_insert_rowid(),
                result: result.map(|rows| rows.rows).map_err(|error| error.to_string()),
            };
            prop_assert_eq!(seen, expect, "{}", sql);
        }
        prop_assert_eq!(dump(&path), dump(&dir.path().join("plain.db")));
    }

    /// As one group: every member's answer and the final content are those of a run one by one.
    #[test]
    fn statements_as_a_group(statements in prop::collection::vec(statement(), 2..40), deferred: bool) {
        let dir = scratch();
        // Every statement on a connection of its own; see `grouped`.
        let statements: Vec<_> = statements.into_iter().map(|sql| (0, sql)).collect();
        let reference = seed(dir.path(), "plain.db", deferred);
        let expect: Vec<_> = statements.iter().flat_map(|one| plain(&reference, std::slice::from_ref(one))).collect();
        let path = seed(dir.path(), "ours.db", deferred);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let database = Database::open(&path, Options::default()).unwrap();
        let seen = runtime.block_on(grouped(&database, &statements));
        for (position, (seen, expect)) in seen.iter().zip(&expect).enumerate() {
            prop_assert_eq!(seen, expect, "{}", statements[position].1);
        }
        prop_assert_eq!(dump(&path), dump(&reference));
        let stats = database.stats();
        prop_assert!(deferred || stats.commits == 1 || stats.retried_groups == 1, "{:?}", stats);
    }
}

/// A member that never ends is stopped; its neighbours are answered all the same, once.
#[tokio::test]
async fn a_member_that_times_out_costs_only_itself() {
    let dir = scratch();
    let path = seed(dir.path(), "ours.db", false);
    let limit = std::time::Duration::from_millis(100);
    let database = Database::open(
        &path,
        Options {
            statement_time_max: limit,
            ..Options::default()
        },
    )
    .unwrap();
    let endless =
        "INSERT INTO t (a) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    let statements: Vec<_> = ["INSERT INTO t (a) VALUES (1)", endless, "INSERT INTO t (a) VALUES (2)"]
        .map(|sql| (0, sql.to_owned()))
        .into();
    let seen = grouped(&database, &statements).await;
    assert_eq!(seen[0].result, Ok(vec![]));
    assert_eq!(seen[1].result, Err(Error::TimeLimit { limit }.to_string()));
    assert_eq!(seen[2].result, Ok(vec![]));
    assert_eq!(dump(&path).len(), 4, "two rows and their two log entries");
}
