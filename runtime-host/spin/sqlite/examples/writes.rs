//! Durable writes a second, with 1, 16 and 64 writers, each waiting for its acknowledgement.
//!
//! `cargo run --release -p spin-host-sqlite --example writes [SECONDS] [DIRECTORY]`

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use spin_host_sqlite::{Database, Options, Value};

const INSERT: &str = "INSERT INTO writes (writer, n, payload) VALUES (?1, ?2, ?3) RETURNING id";

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(3);
    let root = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    for writers in [1, 16, 64] {
        let dir = tempfile::tempdir_in(&root).unwrap();
        let database = Database::open(dir.path().join("bench.db"), Options::default()).unwrap();
        let create = "CREATE TABLE writes (id INTEGER PRIMARY KEY, writer INTEGER, n INTEGER, payload TEXT)";
        database.connect().query(create, vec![]).await.unwrap();
        measure(&database, writers, Duration::from_secs(seconds)).await;
    }
}

async fn measure(database: &Database, writers: i64, time: Duration) {
    let start = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| tokio::spawn(write(database.clone(), writer, start + time)))
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.unwrap());
    }
    let elapsed = start.elapsed();
    latencies.sort_unstable();
    let at = |share: f64| {
        latencies
            .get((latencies.len() as f64 * share) as usize)
            .copied()
            .unwrap_or_default()
    };
    let stats = database.stats();
    println!(
        "{writers:>3} writers: {:>7.0} writes/s  p50 {:>9.2?}  p99 {:>9.2?}  max {:>9.2?}  {:.1} statements a commit",
        latencies.len() as f64 / elapsed.as_secs_f64(),
        at(0.5),
        at(0.99),
        at(1.0 - f64::EPSILON),
        stats.statements as f64 / stats.commits as f64,
    );
}

async fn write(database: Database, writer: i64, end: Instant) -> Vec<Duration> {
    let connection = database.connect();
    let mut latencies = Vec::new();
    for n in 0.. {
        let start = Instant::now();
        if start >= end {
            break;
        }
        let params = vec![Value::Integer(writer), Value::Integer(n), Value::Text("x".repeat(100))];
        connection.query(INSERT, params).await.unwrap();
        latencies.push(start.elapsed());
    }
    latencies
}
