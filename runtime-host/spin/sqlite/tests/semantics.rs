//! What a guest sees, case by case.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::time::Duration;

use spin_host_sqlite::{Connection, Database, Error, Options, Value};

fn open(options: Options) -> (tempfile::TempDir, Database) {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::open(dir.path().join("sqlite/default.db"), options).unwrap();
    (dir, database)
}

/// Runs a statement and prints its outcome in one line: `a b | c d`, `ok`, or `Kind: message`.
async fn run(connection: &Connection, sql: &str) -> String {
    match connection.query(sql, vec![]).await {
        Ok(result) if result.columns.is_empty() => "ok".to_owned(),
        Ok(result) => {
            let line = |row: &Vec<Value>| row.iter().map(show).collect::<Vec<_>>().join(" ");
            result.rows.iter().map(line).collect::<Vec<_>>().join(" | ")
        }
        Err(error) => {
            let debug = format!("{error:?}");
            let kind = debug.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            format!("{kind}: {error}")
        }
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Integer(integer) => integer.to_string(),
        Value::Real(real) => real.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => format!("{bytes:?}"),
        Value::Null => "null".to_owned(),
    }
}

/// Each step is a connection (`a`, `b`), a statement, and what its outcome has to start with.
async fn play(steps: &[(char, &str, &str)]) {
    let (_dir, database) = open(Options::default());
    let connections = [database.connect(), database.connect()];
    for (position, (who, sql, expect)) in steps.iter().enumerate() {
        let got = run(&connections[usize::from(*who == 'b')], sql).await;
        assert!(
            got.starts_with(expect),
            "step {position}: {who}: {sql}\n   got: {got}\nexpect: {expect}"
        );
    }
}

#[tokio::test]
async fn results() {
    play(&[
        (
            'a',
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b REAL)",
            "ok",
        ),
        (
            'a',
            "INSERT INTO t (a, b) VALUES ('x', 1.5), ('y', NULL) RETURNING id, a",
            "1 x | 2 y",
        ),
        ('a', "SELECT changes()", "2"),
        ('a', "SELECT last_insert_rowid()", "2"),
        ('b', "SELECT last_insert_rowid();", "0"),
        ('b', "SELECT * FROM t", "1 x 1.5 | 2 y null"),
        (
            'b',
            "INSERT INTO t (a) VALUES ('x') ON CONFLICT DO NOTHING RETURNING id",
            "",
        ),
        ('b', "SELECT last_insert_rowid()", "0"),
        ('b', "SELECT changes()", "0"),
        (
            'b',
            "INSERT INTO t (a) VALUES ('x') ON CONFLICT (a) DO UPDATE SET b = 2 RETURNING id",
            "1",
        ),
        ('b', "SELECT last_insert_rowid()", "0"),
        ('a', "INSERT INTO t (id) VALUES (last_insert_rowid() + 100)", "ok"),
        ('a', "SELECT last_insert_rowid()", "102"),
        (
            'a',
            "INSERT INTO t (a) VALUES ('x')",
            "Constraint: UNIQUE constraint failed: t.a",
        ),
        (
            'a',
            "WITH n AS (SELECT 'w' AS v) INSERT INTO t (a) SELECT v FROM n",
            "ok",
        ),
        ('a', "SELECT changes()", "1"),
        ('a', "DELETE FROM t WHERE id > 1", "ok"),
        ('a', "SELECT changes()", "3"),
        ('a', "ALTER TABLE t ADD COLUMN c DEFAULT 7", "ok"),
        ('a', "SELECT changes()", "3"),
        ('b', "SELECT * FROM t", "1 x 2 7"),
        (
            'a',
            "SELECT x'0102', 'é', 9223372036854775807",
            "[1, 2] é 9223372036854775807",
        ),
        ('a', "SELECT ?1", "Sql: the statement has 1 parameters but 0 were given"),
        ('a', "SELEC 1", "Sql: near \"SELEC\": syntax error"),
        ('a', "SELECT * FROM absent", "Sql: no such table: absent"),
        ('a', "", "Sql: the statement is empty"),
        (
            'a',
            "SELECT 1; SELECT 2",
            "Refused: the string holds more than one statement",
        ),
        (
            'a',
            "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END; SELECT 1",
            "Refused: the string holds more than one",
        ),
        (
            'a',
            "SELECT CAST(x'ff' AS TEXT)",
            "Sql: column 0 of the result holds text that is not UTF-8",
        ),
    ])
    .await;
}

#[tokio::test]
async fn refusals() {
    play(&[
        ('a', "CREATE TABLE t (a UNIQUE)", "ok"),
        ('a', "ATTACH 'x.db' AS x", "Refused: ATTACH"),
        ('a', "DETACH main", "Refused: ATTACH and DETACH"),
        ('a', "VACUUM", "Refused: VACUUM"),
        ('a', "VACUUM INTO 'y.db'", "Refused: VACUUM"),
        (
            'a',
            "SELECT load_extension('x')",
            "Refused: load_extension() is not allowed",
        ),
        (
            'a',
            "INSERT OR ROLLBACK INTO t VALUES (1)",
            "Refused: ROLLBACK as conflict resolution",
        ),
        (
            'a',
            "CREATE TABLE u (a UNIQUE ON CONFLICT ROLLBACK)",
            "Refused: ROLLBACK as conflict resolution",
        ),
        (
            'a',
            "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT RAISE(ROLLBACK, 'x'); END",
            "Refused: ROLLBACK as",
        ),
        ('a', "CREATE TEMP TABLE u (a)", "Refused: temporary tables"),
        (
            'a',
            "INSERT INTO temp.spin_host_rowid (id) VALUES (1)",
            "Refused: the table name spin_host_rowid is reserved",
        ),
        ('a', "SELECT changes() + 1", "Refused: changes() cannot be part"),
        (
            'a',
            "SELECT last_insert_rowid() + 1",
            "Refused: last_insert_rowid() cannot be part",
        ),
        (
            'a',
            "PRAGMA journal_mode = DELETE",
            "Refused: PRAGMA journal_mode = DELETE is not allowed",
        ),
        ('a', "PRAGMA synchronous = OFF", "Refused: PRAGMA synchronous = OFF"),
        ('a', "PRAGMA user_version = 3", "Refused: PRAGMA user_version = 3"),
        ('a', "PRAGMA wal_checkpoint(TRUNCATE)", "Refused: PRAGMA wal_checkpoint"),
        ('a', "PRAGMA writable_schema = 1", "Refused: PRAGMA writable_schema"),
        (
            'a',
            "PRAGMA database_list",
            "Refused: PRAGMA database_list is not allowed",
        ),
        ('a', "SELECT file FROM pragma_database_list", "Refused:"),
        ('a', "PRAGMA user_version", "0"),
        ('a', "PRAGMA journal_mode", "wal"),
        ('a', "PRAGMA journal_mode=WAL", "wal"),
        ('a', "PRAGMA foreign_keys", "1"),
        ('a', "PRAGMA foreign_keys = ON", "ok"),
        ('a', "PRAGMA table_info(t)", "0 a  0 null 0"),
        ('a', "SELECT name FROM pragma_table_info('t')", "a"),
        ('a', "PRAGMA integrity_check", "ok"),
        ('a', "COMMIT", "Sql: cannot commit - no transaction is active"),
        ('a', "ROLLBACK", "Sql: cannot rollback - no transaction is active"),
        ('a', "EXPLAIN INSERT INTO t VALUES (1)", "0 Init"),
        ('a', "SELECT count(*) FROM t", "0"),
    ])
    .await;
}

#[tokio::test]
async fn explicit_transactions() {
    play(&[
        ('a', "CREATE TABLE t (a UNIQUE)", "ok"),
        ('a', "BEGIN", "ok"),
        ('a', "INSERT INTO t VALUES (1)", "ok"),
        ('a', "SELECT * FROM t", "1"),
        ('b', "SELECT * FROM t", ""),
        ('a', "BEGIN", "Sql: cannot start a transaction within a transaction"),
        ('a', "INSERT INTO t VALUES (1)", "Constraint: UNIQUE"),
        ('a', "SELECT last_insert_rowid()", "1"),
        ('a', "COMMIT", "ok"),
        ('b', "SELECT * FROM t", "1"),
        ('a', "BEGIN IMMEDIATE", "ok"),
        ('a', "INSERT INTO t VALUES (2)", "ok"),
        ('a', "ROLLBACK", "ok"),
        ('b', "SELECT * FROM t", "1"),
        ('b', "SAVEPOINT s", "ok"),
        ('b', "INSERT INTO t VALUES (3)", "ok"),
        ('b', "SAVEPOINT s2", "ok"),
        ('b', "INSERT INTO t VALUES (4)", "ok"),
        ('b', "ROLLBACK TO s2", "ok"),
        ('b', "RELEASE s", "ok"),
        ('a', "SELECT * FROM t", "1 | 3"),
        ('a', "BEGIN", "ok"),
        ('a', "CREATE TABLE u (a)", "ok"),
        ('a', "ROLLBACK", "ok"),
        ('a', "SELECT * FROM u", "Sql: no such table"),
        ('a', "ROLLBACK", "Sql: cannot rollback"),
    ])
    .await;
}

#[tokio::test]
async fn a_failing_statement_or_trigger_changes_nothing() {
    play(&[
        ('a', "CREATE TABLE t (a UNIQUE)", "ok"),
        ('a', "CREATE TABLE log (a)", "ok"),
        ('a', "CREATE TRIGGER x AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); SELECT RAISE(ABORT, 'no threes') WHERE new.a = 3; END", "ok"),
        ('a', "INSERT INTO t VALUES (1), (2), (3)", "Constraint: no threes"),
        ('a', "INSERT OR FAIL INTO t VALUES (5), (5)", "Constraint: UNIQUE"),
        ('a', "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM log)", "0 0"),
        ('a', "CREATE TABLE child (p REFERENCES t(a) DEFERRABLE INITIALLY DEFERRED)", "ok"),
        ('a', "INSERT INTO child VALUES (9)", "Constraint: FOREIGN KEY"),
        ('a', "BEGIN", "ok"),
        ('a', "INSERT INTO child VALUES (9)", "ok"),
        ('a', "COMMIT", "Constraint: FOREIGN KEY"),
        ('a', "INSERT INTO t VALUES (9)", "ok"),
        ('a', "COMMIT", "ok"),
        ('a', "SELECT * FROM child", "9"),
    ])
    .await;
}

#[tokio::test]
async fn a_held_transaction_expires_and_lets_others_write() {
    let (_dir, database) = open(Options {
        transaction_time_max: Duration::from_millis(50),
        ..Options::default()
    });
    let (a, b) = (database.connect(), database.connect());
    assert_eq!(run(&a, "CREATE TABLE t (a)").await, "ok");
    assert_eq!(run(&a, "BEGIN").await, "ok");
    assert_eq!(run(&a, "INSERT INTO t VALUES (1)").await, "ok");
    // Waits until the deadline of `a`.
    assert_eq!(run(&b, "INSERT INTO t VALUES (2)").await, "ok");
    let expect =
        "TransactionExpired: the transaction was rolled back: it kept all other writers waiting longer than 50ms";
    assert_eq!(run(&a, "INSERT INTO t VALUES (3)").await, expect);
    assert_eq!(run(&a, "COMMIT").await, "Sql: cannot commit - no transaction is active");
    assert_eq!(run(&a, "SELECT * FROM t").await, "2");
    // A statement that is still running at the deadline is stopped.
    assert_eq!(run(&a, "BEGIN").await, "ok");
    let endless = "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    assert_eq!(run(&a, endless).await, expect);
    assert_eq!(run(&a, "SELECT * FROM t").await, "2");
}

#[tokio::test]
async fn a_dropped_connection_rolls_back() {
    let (_dir, database) = open(Options {
        transaction_time_max: Duration::from_secs(60),
        ..Options::default()
    });
    let (a, b) = (database.connect(), database.connect());
    assert_eq!(run(&a, "CREATE TABLE t (a)").await, "ok");
    assert_eq!(run(&a, "BEGIN").await, "ok");
    assert_eq!(run(&a, "INSERT INTO t VALUES (1)").await, "ok");
    drop(a);
    assert_eq!(run(&b, "INSERT INTO t VALUES (2)").await, "ok");
    assert_eq!(run(&b, "SELECT * FROM t").await, "2");
}

#[tokio::test]
async fn endless_statements_are_stopped() {
    let limit = Duration::from_millis(40);
    let (_dir, database) = open(Options {
        statement_time_max: limit,
        cursor_time_max: limit,
        ..Options::default()
    });
    let a = database.connect();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    assert_eq!(
        run(&a, endless).await,
        "TimeLimit: the statement was stopped: it ran longer than 40ms"
    );
    assert_eq!(run(&a, "CREATE TABLE t (a)").await, "ok");
    let write = run(&a, &format!("INSERT INTO t {endless}")).await;
    assert_eq!(write, "TimeLimit: the statement was stopped: it ran longer than 40ms");
    assert_eq!(run(&a, "INSERT INTO t VALUES (1) RETURNING a").await, "1");
}

#[tokio::test]
async fn large_reads_stream_and_a_slow_reader_is_cut_off() {
    let limit = Duration::from_millis(200);
    let (_dir, database) = open(Options {
        cursor_time_max: limit,
        result_bytes_max: 1 << 20,
        ..Options::default()
    });
    let a = database.connect();
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) SELECT i, hex(zeroblob(100)) FROM n";
    let mut stream = a.stream(sql, vec![]).await.unwrap();
    assert_eq!(stream.columns, ["i", "hex(zeroblob(100))"]);
    let mut count = 0;
    while let Some(piece) = stream.next().await {
        count += piece.unwrap().len();
    }
    assert_eq!(count, 20_000);
    assert!(
        run(&a, sql)
            .await
            .starts_with("ResultTooLarge: the result is larger than 1048576 bytes")
    );

    // Nobody reads: the cursor closes at its deadline, and the reader learns it afterwards.
    let mut stream = a.stream(sql, vec![]).await.unwrap();
    tokio::time::sleep(limit * 2).await;
    let mut last = None;
    while let Some(piece) = stream.next().await {
        last = Some(piece);
    }
    assert!(matches!(last, Some(Err(Error::CursorExpired { .. }))), "{last:?}");
}

#[tokio::test]
async fn more_streams_than_readers_leave_room_for_short_reads() {
    let (_dir, database) = open(Options {
        readers: 2,
        ..Options::default()
    });
    let a = database.connect();
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 90000) SELECT i, hex(zeroblob(100)) FROM n";
    let mut held = a.stream(sql, vec![]).await.unwrap();
    assert_eq!(run(&a, "SELECT 1").await, "1");
    assert!(held.next().await.is_some());
    drop(held);
    // The reader comes back when its stream is dropped, so another stream can start.
    assert!(a.stream(sql, vec![]).await.unwrap().next().await.is_some());
}
