//! Durable writes a second, with 1, 16 and 64 writers, each waiting for its acknowledgement.
//!
//! `cargo run --release -p spin-host-sqlite --example writes [SECONDS] [DIRECTORY]`

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use spin_host_sqlite::{BatchReport, Database, Options, Value};

const INSERT: &str = "INSERT INTO writes (writer, n, payload) VALUES (?1, ?2, ?3) RETURNING id";

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(3);
    let root = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    for writers in [1, 16, 64] {
        let dir = tempfile::tempdir_in(&root).unwrap();
        let commits = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&commits);
        let on_batch = Arc::new(move |report: BatchReport| seen.lock().unwrap().push(report.commit));
        let options = Options {
            on_batch: Some(on_batch),
            ..Options::default()
        };
        let database = Database::open(dir.path().join("bench.db"), options).unwrap();
        let create = "CREATE TABLE writes (id INTEGER PRIMARY KEY, writer INTEGER, n INTEGER, payload TEXT)";
        database.connect().query(create, vec![]).await.unwrap();
        measure(&database, writers, Duration::from_secs(seconds)).await;
        println!("             {}", spread(&mut commits.lock().unwrap(), "commit"));
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
    let stats = database.stats();
    println!(
        "{writers:>3} writers: {:>7.0} writes/s, {:.1} a commit\n             {}",
        latencies.len() as f64 / elapsed.as_secs_f64(),
        stats.statements as f64 / stats.commits as f64,
        spread(&mut latencies, "write "),
    );
}

fn spread(times: &mut [Duration], what: &str) -> String {
    times.sort_unstable();
    let at = |share: usize| {
        times
            .get(times.len() * share / 1000)
            .or(times.last())
            .copied()
            .unwrap_or_default()
    };
    format!(
        "{what}  p50 {:>9.2?}  p90 {:>9.2?}  p99 {:>9.2?}  max {:>9.2?}",
        at(500),
        at(900),
        at(990),
        at(1000)
    )
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
