//! The rows, in the order of the design.

use anyhow::Result;

use crate::hosts::{self, Control};
use crate::load;
use crate::row::{Better, Row};
use crate::writes;

/// Connections of the load generator in the rows of P1.
const CONNECTIONS: u32 = 32;

/// Connections of the writers' row.
const WRITERS: usize = 64;

const NO_SPIN: &str = "upstream Spin (set SPIN_BIN)";

pub(crate) async fn run(wanted: &[String], quick: bool, json: bool) -> Result<()> {
    let seconds = if quick { 2 } else { 8 };
    let asked = |group: &str| wanted.is_empty() || wanted.iter().any(|row| row.split('.').next() == Some(group));
    let print = |rows: Vec<Row>| -> Result<()> {
        for row in rows {
            if wanted.is_empty()
                || wanted
                    .iter()
                    .any(|name| row.row == name || row.row.split('.').next() == Some(name))
            {
                row.print(json)?;
            }
        }
        Ok(())
    };
    if asked("P1") {
        print(hello(seconds).await?)?;
        print(list(seconds).await?)?;
    }
    if asked("P2") {
        print(durable_writes(seconds).await?)?;
    }
    if asked("start") || asked("idle") {
        print(start().await?)?;
    }
    Ok(())
}

/// P1, first half: a component without storage.
async fn hello(seconds: u32) -> Result<Vec<Row>> {
    let host = hosts::guest("hello").await?;
    load::run(host.url(), CONNECTIONS, 1, &[])?; // warm: pooled instances, branch predictors, page cache
    let ours = load::run(host.url(), CONNECTIONS, seconds, &[])?;
    drop(host);
    let spin = match hosts::spin_guest("hello").await? {
        Some(spin) => Some(load::run(spin.url(), CONNECTIONS, seconds, &[])?.per_second),
        None => None,
    };
    Ok(vec![
        Row::ratio("P1.hello", ours.per_second, "req/s", 2.0, (NO_SPIN, spin)),
        Row::absolute("P1.hello.p99", ours.p99_ms, "ms", Better::Less, 3.0),
    ])
}

/// P1, second half: an authenticated list, one indexed read, JSON.
async fn list(seconds: u32) -> Result<Vec<Row>> {
    let control = Control::start().await?;
    let bearer = format!("Bearer {}", control.token());
    let headers = [("Authorization", bearer.as_str())];
    let url = format!("{}/api/tokens", control.origin());
    load::run(&url, CONNECTIONS, 1, &headers)?;
    let ours = load::run(&url, CONNECTIONS, seconds, &headers)?;
    let database = control.stop_keeping_data().await?;
    let twin = hosts::twin(&database.path().join("sqlite/default.db")).await?;
    let url = format!("{}/api/tokens", twin.url());
    load::run(&url, CONNECTIONS, 1, &headers)?;
    let floor = load::run(&url, CONNECTIONS, seconds, &headers)?;
    let spin = match std::env::var_os("SPIN_BIN") {
        Some(_) => {
            let control = Control::start_upstream().await?;
            let bearer = format!("Bearer {}", control.token());
            let url = format!("{}/api/tokens", control.origin());
            Some(load::run(&url, CONNECTIONS, seconds, &[("Authorization", bearer.as_str())])?.per_second)
        }
        None => None,
    };
    Ok(vec![
        Row::ratio("P1.list", ours.per_second, "req/s", 3.0, (NO_SPIN, spin)),
        Row::ratio(
            "P1.list.twin",
            ours.per_second,
            "req/s",
            0.6,
            ("native axum+rusqlite", Some(floor.per_second)),
        ),
    ])
}

/// P2: acknowledged writes that survive a power loss.
async fn durable_writes(seconds: u32) -> Result<Vec<Row>> {
    let grouped = writes::grouped(WRITERS, seconds).await?;
    let single = writes::one_by_one(seconds)?;
    Ok(vec![
        Row::absolute("P2.writes", grouped.per_second, "w/s", Better::More, 5_000.0)
            .beside("rusqlite one by one", single),
        Row::absolute("P2.writes.p99", grouped.p99_ms, "ms", Better::Less, 15.0),
    ])
}

/// Start to first answer with a warm cache of compiled components, and memory at rest.
async fn start() -> Result<Vec<Row>> {
    let (warm_ms, idle_mib) = hosts::warm_start().await?;
    Ok(vec![
        Row::absolute("start.warm", warm_ms, "ms", Better::Less, 1_000.0),
        Row::absolute("idle.rss", idle_mib, "MiB", Better::Less, 512.0),
    ])
}
