//! Durable single-row inserts: grouped by `spin-host-sqlite`, and one by one with rusqlite on the same disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use spin_host_sqlite::{Database, Options, Value};

const TABLE: &str = "CREATE TABLE entries (id INTEGER PRIMARY KEY, writer INTEGER NOT NULL, body TEXT NOT NULL)";
const INSERT: &str = "INSERT INTO entries (writer, body) VALUES (?1, ?2) RETURNING id";

/// A row of about a hundred bytes, as an event would be.
const BODY: &str = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890";

/// What many writers saw.
pub(crate) struct Writes {
    pub(crate) per_second: f64,
    pub(crate) p99_ms: f64,
}

/// `writers` tasks, each waiting for its row to be acknowledged before it sends the next.
pub(crate) async fn grouped(writers: usize, seconds: u32) -> Result<Writes> {
    let folder = scratch()?;
    let database = Arc::new(Database::open(folder.path().join("p2.db"), Options::default())?);
    database.connect().query(TABLE, vec![]).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let started = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let (database, stop) = (Arc::clone(&database), Arc::clone(&stop));
            tokio::spawn(async move {
                let connection = database.connect();
                let mut times = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let sent = Instant::now();
                    let row = vec![Value::Integer(i64::try_from(writer)?), Value::Text(BODY.to_owned())];
                    connection.query(INSERT, row).await?;
                    times.push(sent.elapsed());
                }
                anyhow::Ok(times)
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(seconds.into())).await;
    stop.store(true, Ordering::Relaxed);
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    let took = started.elapsed().as_secs_f64();
    times.sort_unstable();
    let p99 = times.get(times.len() * 99 / 100).context("nothing was written")?;
    Ok(Writes {
        per_second: times.len() as f64 / took,
        p99_ms: p99.as_secs_f64() * 1_000.0,
    })
}

/// The same rows, one commit each, by one writer: what a plain server gets from the same disk.
pub(crate) fn one_by_one(seconds: u32) -> Result<f64> {
    let folder = scratch()?;
    let connection = rusqlite::Connection::open(folder.path().join("p2.db"))?;
    connection.execute_batch(&format!("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {TABLE};"))?;
    let mut insert = connection.prepare(INSERT)?;
    let (started, mut rows) = (Instant::now(), 0_u32);
    while started.elapsed() < Duration::from_secs(seconds.into()) {
        insert.query_row(rusqlite::params![0, BODY], |row| row.get::<_, i64>(0))?;
        rows += 1;
    }
    Ok(f64::from(rows) / started.elapsed().as_secs_f64())
}

/// A folder on the disk of this checkout: the system's temporary folder may be memory.
fn scratch() -> Result<tempfile::TempDir> {
    let target = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    Ok(tempfile::Builder::new().prefix("bench-").tempdir_in(target)?)
}
