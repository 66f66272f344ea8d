//! P3, second part: a program that prints as fast as it can, with a viewer that reads everything.

use std::time::Instant;

use anyhow::{Result, bail};
use sam_contract::terminal::Size;

use super::Server;
use super::floor::Raw;
use super::row::Row;
use sam_tests_term::client::{Event, Memory, Viewer};

pub(super) async fn rows(mebibytes: u64) -> Result<Vec<Row>> {
    let bytes = mebibytes << 20;
    let script = format!("read go; exec head -c {bytes} /dev/zero");
    let print = script.clone();
    let floor = tokio::task::spawn_blocking(move || floor(&print)).await??;
    let server = Server::start().await?;
    let id = server.supervisor.shell(&script).await?;
    let (mut viewer, _) = Viewer::attach(&server.url(id), Memory::new()?, Size::DEFAULT).await?;
    let began = Instant::now();
    viewer.input(b"\n").await?;
    let mut received = 0_u64;
    loop {
        match viewer.next().await? {
            Event::Output(bytes) => received += bytes.len() as u64,
            Event::Gap(from, to) => bail!("a reading viewer missed {} bytes", to - from),
            Event::Exit(_) => break,
            _ => {}
        }
    }
    let ours = rate(received, began);
    Ok(vec![Row::ratio(
        "P3.throughput",
        ours,
        "MB/s",
        0.9,
        ("raw PTY", Some(floor)),
    )])
}

fn floor(script: &str) -> Result<f64> {
    let mut raw = Raw::start(&["/bin/sh", "-c", script])?;
    let began = Instant::now();
    raw.enter()?;
    let total = raw.read_all()?;
    Ok(rate(total, began))
}

#[expect(clippy::cast_precision_loss, reason = "well below 2^52")]
fn rate(bytes: u64, began: Instant) -> f64 {
    bytes as f64 / began.elapsed().as_secs_f64() / 1e6
}
