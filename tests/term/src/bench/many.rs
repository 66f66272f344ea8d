//! P3, third part: many terminals that print steadily, each with a viewer. What counts is the processor time of
//! supervisor and agent; producers and viewers are not ours to pay for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use sam_contract::terminal::Size;

use super::Server;
use super::row::{Better, Row};
use sam_tests_term::client::{Event, Memory, Viewer};
use sam_tests_term::supervisor::spec;

/// What a busy build prints.
const BYTES_PER_SECOND: usize = 40_000;

pub(super) async fn rows(terminals: usize, seconds: u64) -> Result<Vec<Row>> {
    let server = Server::start().await?;
    let me = std::env::current_exe()?;
    let me = me.to_str().context("a path in UTF-8")?;
    let received = Arc::new(AtomicU64::new(0));
    let mut viewers = tokio::task::JoinSet::new();
    for _ in 0..terminals {
        let spec = spec(&[me, "produce", &BYTES_PER_SECOND.to_string()])?;
        let id = server.supervisor.terminals.create(&spec).await?.id;
        let (mut viewer, _) = Viewer::attach(&server.url(id), Memory::new()?, Size::DEFAULT).await?;
        let received = Arc::clone(&received);
        viewers.spawn(async move {
            while let Ok(event) = viewer.next().await {
                if let Event::Output(bytes) = event {
                    received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                }
            }
        });
    }
    let pids = [server.supervisor.pid(), server.agent_pid()];
    tokio::time::sleep(Duration::from_secs(1)).await; // Until the last one prints steadily.
    let (before, bytes_before, began) = (cpu_seconds(&pids)?, received.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let elapsed = began.elapsed().as_secs_f64();
    let cores = (cpu_seconds(&pids)? - before) / elapsed;
    #[expect(clippy::cast_precision_loss, reason = "well below 2^52")]
    let (bytes, wanted) = (
        (received.load(Ordering::Relaxed) - bytes_before) as f64,
        (terminals * BYTES_PER_SECOND) as f64,
    );
    let per_thousand = 1000.0 / f64::from(u32::try_from(terminals)?);
    Ok(vec![
        Row::absolute("P3.many.cpu", cores * per_thousand, "cores", Better::Less, 1.0),
        Row::ratio(
            "P3.many.delivered",
            bytes / elapsed / 1e6,
            "MB/s",
            0.97,
            ("printed", Some(wanted / 1e6)),
        ),
    ])
}

/// User and system time, from fields 14 and 15 of `/proc/<pid>/stat`, in hundredths of a second.
fn cpu_seconds(pids: &[u32]) -> Result<f64> {
    let mut total = 0.0;
    for pid in pids {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let (_, fields) = stat.rsplit_once(')').context("no name in stat")?;
        let times = fields.split_whitespace().skip(11).take(2);
        for time in times {
            total += time.parse::<f64>()? / 100.0;
        }
    }
    Ok(total)
}
