//! `kill -9` at random moments under load: every row that was acknowledged is there afterwards.
//!
//! Started again by itself with a directory as argument, this program is the victim: 64 writers insert rows and
//! print each one once it was acknowledged.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use spin_host_sqlite::{Database, Options, Value};

const ROUNDS: u32 = 6;
const WRITERS: i64 = 64;

fn main() {
    match std::env::args().nth(1) {
        Some(dir) if Path::new(&dir).is_absolute() => victim(Path::new(&dir)),
        _ => judge(),
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn victim(dir: &Path) {
    let database = Database::open(dir.join("db"), Options::default()).unwrap();
    let connection = database.connect();
    connection
        .query(
            "CREATE TABLE IF NOT EXISTS t (writer INTEGER, n INTEGER, pad TEXT)",
            vec![],
        )
        .await
        .unwrap();
    let run = i64::from(std::process::id()) * 1_000_000_000;
    for writer in 0..WRITERS {
        let connection = database.connect();
        tokio::spawn(async move {
            for n in run.. {
                let params = vec![Value::Integer(writer), Value::Integer(n), Value::Text("x".repeat(200))];
                // Every eighth row goes through an explicit transaction.
                let explicit = writer % 8 == 0 && n % 8 == 0;
                if explicit {
                    connection.query("BEGIN", vec![]).await.unwrap();
                }
                connection
                    .query("INSERT INTO t VALUES (?, ?, ?)", params)
                    .await
                    .unwrap();
                if explicit {
                    connection.query("COMMIT", vec![]).await.unwrap();
                }
                let mut out = std::io::stdout().lock();
                writeln!(out, "{writer} {n}").unwrap();
                out.flush().unwrap();
            }
        });
    }
    std::future::pending::<()>().await;
}

fn judge() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = HashSet::new();
    for round in 0..ROUNDS {
        // Any moment will do; the clock is random enough and the number is printed.
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
        let life = Duration::from_millis(u64::from(60 + nanos / 1000 % 400));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test starts itself");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The clock starts with the first acknowledgement, so that slow machines test something too.
        let (first, started) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let mut rows = Vec::new();
            for line in lines.map_while(Result::ok) {
                // The last line may be cut by the kill; the row itself was acknowledged, but its number is unknown.
                if let Some((writer, n)) = line.split_once(' ')
                    && n.len() >= 10
                {
                    rows.push((writer.parse::<i64>().unwrap(), n.parse::<i64>().unwrap()));
                }
                let _ = first.send(());
            }
            rows
        });
        started
            .recv_timeout(Duration::from_secs(30))
            .expect("the victim acknowledges something");
        std::thread::sleep(life);
        child.kill().unwrap();
        child.wait().unwrap();
        let rows = reader.join().unwrap();
        println!("round {round}: killed after {life:?}, {} rows acknowledged", rows.len());
        acknowledged.extend(rows);
        verify(&dir.path().join("db"), &acknowledged);
    }
    assert!(
        acknowledged.len() > 100,
        "only {} rows were acknowledged",
        acknowledged.len()
    );
    println!("kill -9: {} acknowledged rows, all found", acknowledged.len());
}

fn verify(path: &Path, acknowledged: &HashSet<(i64, i64)>) {
    let database = rusqlite::Connection::open(path).unwrap();
    let check: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    let mut select = database.prepare("SELECT writer, n FROM t").unwrap();
    let found: HashSet<(i64, i64)> = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let lost: Vec<_> = acknowledged.difference(&found).collect();
    assert!(
        lost.is_empty(),
        "{} acknowledged rows are lost, for example {:?}",
        lost.len(),
        lost.first()
    );
}
