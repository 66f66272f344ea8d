//! Full disk, read-only folder, damaged file, locked file, second process: clear errors, and nothing acknowledged
//! that is not there afterwards.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use spin_host_sqlite::{Database, Error, KeyValue, LockError, Options, Value, lock_data_dir};

const INSERT: &str = "INSERT INTO t (pad) VALUES (zeroblob(3000)) RETURNING id";

/// Fills the database with several writers until all fail; gives the acknowledged ids back.
async fn fill(database: &Database) -> Vec<i64> {
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let connection = database.connect();
        tasks.push(tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            loop {
                match connection.query(INSERT, vec![]).await {
                    Ok(rows) => match rows.rows[0][0] {
                        Value::Integer(id) => acknowledged.push(id),
                        ref other => panic!("{other:?}"),
                    },
                    Err(Error::Full(_)) => return acknowledged,
                    Err(other) => panic!("expected Full, got {other:?}"),
                }
            }
        }));
    }
    let mut acknowledged = Vec::new();
    for task in tasks {
        acknowledged.extend(task.await.unwrap());
    }
    acknowledged.sort_unstable();
    acknowledged
}

fn stored(path: &Path) -> Vec<i64> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let check: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    let mut select = connection.prepare("SELECT id FROM t ORDER BY id").unwrap();
    select
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

async fn full(path: &Path, options: Options) {
    let database = Database::open(path, options).unwrap();
    let connection = database.connect();
    connection
        .query("CREATE TABLE t (id INTEGER PRIMARY KEY, pad BLOB)", vec![])
        .await
        .unwrap();
    let acknowledged = fill(&database).await;
    assert!(acknowledged.len() > 50, "only {} rows fitted", acknowledged.len());
    // Reading goes on.
    let count = connection.query("SELECT count(*) FROM t", vec![]).await.unwrap().rows;
    assert_eq!(count, [[Value::Integer(i64::try_from(acknowledged.len()).unwrap())]]);
    drop((connection, database));
    assert_eq!(stored(path), acknowledged);
}

#[tokio::test]
async fn a_full_quota_is_reported_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    full(
        &dir.path().join("quota.db"),
        Options {
            pages_max: Some(200),
            ..Options::default()
        },
    )
    .await;
}

/// A mounted file system of 2 MB; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(at)
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The writer thread closes its files a moment after the last handle is gone, hence lazily.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Needs the right to mount; the quota test above covers the same answers without it.
#[tokio::test]
async fn a_full_disk_is_reported_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&dir.path().join("disk")) else {
        return;
    };
    full(&disk.0.join("disk.db"), Options::default()).await;
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("text.db", "this is not a database, ".repeat(100)),
        ("header.db", "SQLite format 3\0".to_owned() + &"x".repeat(5000)),
    ] {
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        let error = Database::open(&path, Options::default()).unwrap_err();
        let Error::Open { cause, .. } = &error else {
            panic!("{error:?}")
        };
        assert!(matches!(**cause, Error::Corrupt(_)), "{error:?}");
        assert!(error.to_string().contains(name), "{error}");
    }
    // Damage inside is found by the statement that meets it.
    let path = dir.path().join("inside.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch("CREATE TABLE t (a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) INSERT INTO t SELECT hex(zeroblob(20)) FROM n").unwrap();
    drop(database);
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[4096..end].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let connection = Database::open(&path, Options::default()).unwrap().connect();
    for sql in ["SELECT count(a) FROM t", "INSERT INTO t VALUES (1)"] {
        let error = connection.query(sql, vec![]).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt(_)), "{sql}: {error:?}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let error = Database::open(dir.path().join("file/x.db"), Options::default()).unwrap_err();
    assert!(error.to_string().starts_with("cannot open the database "), "{error}");
    // `/proc` refuses everybody, root included.
    let error = Database::open("/proc/x/y.db", Options::default()).unwrap_err();
    assert!(matches!(error, Error::Open { .. }), "{error:?}");
}

#[tokio::test]
async fn a_read_only_file_system_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&dir.path().join("disk")) else {
        return;
    };
    let remounted = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(&disk.0)
        .status()
        .unwrap();
    assert!(remounted.success());
    let error = Database::open(disk.0.join("x.db"), Options::default()).unwrap_err();
    let Error::Open { cause, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(matches!(**cause, Error::ReadOnly(_)), "{error:?}");
}

#[tokio::test]
async fn a_file_locked_by_another_process_is_an_error_not_a_hang() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.db");
    let database = Database::open(
        &path,
        Options {
            busy_timeout: Duration::from_millis(50),
            ..Options::default()
        },
    )
    .unwrap();
    let connection = database.connect();
    connection.query("CREATE TABLE t (a)", vec![]).await.unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = connection.query("INSERT INTO t VALUES (1)", vec![]).await.unwrap_err();
    assert!(matches!(error, Error::Locked(_)), "{error:?}");
    other.execute_batch("ROLLBACK").unwrap();
    connection.query("INSERT INTO t VALUES (1)", vec![]).await.unwrap();
}

#[tokio::test]
async fn files_are_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data/sqlite/x.db");
    let database = Database::open(&path, Options::default()).unwrap();
    database.connect().query("CREATE TABLE t (a)", vec![]).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for file in ["x.db", "x.db-wal", "x.db-shm"] {
        assert_eq!(mode(&path.with_file_name(file)), 0o600, "{file}");
    }
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&dir.path().join("data")), 0o700);
}

#[test]
fn a_second_process_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let lock = lock_data_dir(&data).unwrap();
    // Locks belong to open files, so a second attempt of this process stands for another process.
    let error = lock_data_dir(&data).unwrap_err();
    let LockError::InUse { pid, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*pid, std::process::id().to_string());
    assert!(error.to_string().contains(&format!("(pid {pid})")), "{error}");
    drop(lock);
    lock_data_dir(&data).unwrap();
}

#[tokio::test]
async fn key_values() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kv/default.db");
    let store = KeyValue::open(&path, Options::default()).unwrap();
    assert_eq!(store.get("a").await, Ok(None));
    for (key, value) in [("a", "1"), ("b", ""), ("a", "2"), ("é", "3")] {
        store.set(key, value.as_bytes().to_vec()).await.unwrap();
    }
    assert_eq!(store.get("a").await, Ok(Some(b"2".to_vec())));
    assert_eq!(store.get("b").await, Ok(Some(vec![])));
    assert_eq!(store.exists("é").await, Ok(true));
    store.delete("é").await.unwrap();
    store.delete("é").await.unwrap();
    assert_eq!(store.exists("é").await, Ok(false));
    drop(store);
    let keys = KeyValue::open(&path, Options::default())
        .unwrap()
        .keys()
        .await
        .unwrap()
        .collect(1 << 20)
        .await
        .unwrap();
    assert_eq!(keys.rows, [["a".into()], ["b".into()]] as [[Value; 1]; 2]);
}
