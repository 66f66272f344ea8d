//! P3, first part: how long a typed character takes to come back.

use std::time::Instant;

use anyhow::Result;
use sam_contract::terminal::Size;

use super::floor::Raw;
use super::row::{Better, Row};
use super::{Server, quantile};
use sam_tests_term::client::{Event, Memory, Viewer};

/// Echoed by the kernel; the program only keeps the kernel's input queue empty.
const ECHO: &[&str] = &["/bin/sh", "-c", "stty -icanon; exec cat >/dev/null"];

pub(super) async fn rows(count: usize) -> Result<Vec<Row>> {
    let floor = tokio::task::spawn_blocking(move || floor(count)).await??;
    let server = Server::start().await?;
    let id = server
        .supervisor
        .terminals
        .create(&sam_tests_term::supervisor::spec(ECHO)?)
        .await?
        .id;
    let (mut viewer, _) = Viewer::attach(&server.url(id), Memory::new()?, Size::DEFAULT).await?;
    let mut times = Vec::with_capacity(count);
    for turn in 0..count + 200 {
        let began = Instant::now();
        viewer.input(b"x").await?;
        viewer.event(|event| matches!(event, Event::Output(_))).await?;
        if turn >= 200 {
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(vec![
        Row::absolute("P3.echo.p50", quantile(&times, 0.5), "ms", Better::Less, 0.1)
            .beside("raw PTY", quantile(&floor, 0.5)),
        Row::absolute("P3.echo.p99", quantile(&times, 0.99), "ms", Better::Less, 2.0)
            .beside("raw PTY", quantile(&floor, 0.99)),
    ])
}

fn floor(count: usize) -> Result<Vec<f64>> {
    let mut raw = Raw::start(ECHO)?;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        times.push(raw.echo()? * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}
