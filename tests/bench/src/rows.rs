//! The rows, in the order of the design.

use anyhow::{Context, Result};

use crate::hosts::{self, Control};
use crate::load::{self, Target};
use crate::nodes;
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
    if asked("P3") {
        print(nodes::echo(quick).await?)?;
    }
    if asked("P7") {
        print(nodes::first_byte(quick).await?)?;
    }
    if asked("P9") {
        print(nodes::idle_agent().await?)?;
    }
    if asked("start") || asked("idle") {
        print(start().await?)?;
    }
    Ok(())
}

/// P1, first half: a component without storage.
async fn hello(seconds: u32) -> Result<Vec<Row>> {
    let host = hosts::guest("hello").await?;
    let bare = hosts::bare_guest("hello").await?;
    let spin = hosts::spin_guest("hello").await?;
    let mut targets = vec![Target::new(host.url())];
    targets.extend(bare.iter().chain(&spin).map(|server| Target::new(server.url())));
    let mut loads = load::side_by_side(&targets, CONNECTIONS, seconds)?.into_iter();
    let ours = loads.next().context("nothing was measured")?;
    let mut rate = |server: &Option<_>| server.as_ref().and_then(|_| loads.next()).map(|load| load.per_second);
    let (bare, spin) = (rate(&bare), rate(&spin));
    Ok(vec![
        Row::ratio("P1.hello", ours.per_second, "req/s", 2.0, (NO_SPIN, spin)),
        Row::ratio(
            "P1.hello.bare",
            ours.per_second,
            "req/s",
            0.8,
            ("wasmtime-wasi-http alone", bare),
        ),
        Row::absolute("P1.hello.p99", ours.p99_ms, "ms", Better::Less, 3.0),
    ])
}

/// P1, second half: an authenticated list, one indexed read, JSON.
async fn list(seconds: u32) -> Result<Vec<Row>> {
    let control = Control::start().await?;
    let target = |origin: &str, token: &str| {
        Target::new(format!("{origin}/api/tokens")).with("Authorization", format!("Bearer {token}"))
    };
    // The twin reads the same database, beside the host.
    let twin = hosts::twin(&control.database()).await?;
    let mut targets = vec![
        target(control.origin(), control.token()),
        target(twin.url(), control.token()),
    ];
    let spin = match std::env::var_os("SPIN_BIN") {
        Some(_) => Some(Control::start_upstream().await?),
        None => None,
    };
    targets.extend(spin.iter().map(|spin| target(spin.origin(), spin.token())));
    let mut loads = load::side_by_side(&targets, CONNECTIONS, seconds)?.into_iter();
    let ours = loads.next().context("nothing was measured")?.per_second;
    let floor = loads.next().map(|load| load.per_second);
    let spin = loads.next().map(|load| load.per_second);
    Ok(vec![
        Row::ratio("P1.list", ours, "req/s", 3.0, (NO_SPIN, spin)),
        Row::ratio("P1.list.twin", ours, "req/s", 0.6, ("native axum+rusqlite", floor)),
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
