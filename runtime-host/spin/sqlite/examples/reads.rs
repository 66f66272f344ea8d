//! Indexed reads a second, with 1 and 16 readers: one row by key, and a page of 50 rows.
//!
//! `cargo run --release -p spin-host-sqlite --example reads [SECONDS]`

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::{Duration, Instant};

use spin_host_sqlite::{Database, Options, Value};

const ROWS: i64 = 10_000;
const ROW: &str = "SELECT id, name, mail FROM users WHERE name = ?1";
const PAGE: &str = "SELECT id, name, mail FROM users WHERE id > ?1 ORDER BY id LIMIT 50";

#[tokio::main]
async fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(2);
    let dir = tempfile::tempdir().unwrap();
    let database = Database::open(dir.path().join("bench.db"), Options::default()).unwrap();
    let connection = database.connect();
    for sql in [
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE, mail TEXT)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10000)
         INSERT INTO users SELECT i, 'user ' || i, 'user' || i || '@example.com' FROM n",
    ] {
        connection.query(sql, vec![]).await.unwrap();
    }
    for (what, sql) in [("row", ROW), ("page", PAGE)] {
        for readers in [1, 16] {
            let start = Instant::now();
            let end = start + Duration::from_secs(seconds);
            let tasks: Vec<_> = (0..readers)
                .map(|reader| tokio::spawn(read(database.clone(), sql, reader, end)))
                .collect();
            let mut reads = 0;
            for task in tasks {
                reads += task.await.unwrap();
            }
            let rate = f64::from(reads) / start.elapsed().as_secs_f64();
            println!("{what:>4}, {readers:>2} readers: {rate:>8.0} reads/s");
        }
    }
}

async fn read(database: Database, sql: &'static str, reader: i64, end: Instant) -> u32 {
    let connection = database.connect();
    let mut reads = 0;
    let mut key = reader;
    while Instant::now() < end {
        key = (key * 31 + 7) % ROWS;
        let param = if sql == ROW {
            Value::Text(format!("user {key}"))
        } else {
            Value::Integer(key)
        };
        connection.query(sql, vec![param]).await.unwrap();
        reads += 1;
        if reads % 16 == 0 {
            tokio::task::yield_now().await;
        }
    }
    reads
}
