//! P4, second part: what a viewer costs that stops reading while its terminal prints at full speed.

use std::time::Duration;

use anyhow::Result;
use sam_contract::terminal::Size;

use super::Server;
use super::row::{Better, Row};
use sam_tests_term::client::{Memory, Viewer};
use sam_tests_term::supervisor::resident_kib;

/// Stalled viewers measured together, so that pages and noise are spread.
const VIEWERS: u32 = 8;

pub(super) async fn rows() -> Result<Vec<Row>> {
    let server = Server::start().await?;
    let id = server.supervisor.shell("exec yes").await?;
    // One comes and goes first: what is allocated once is nobody's.
    let (mut first, _) = Viewer::attach(&server.url(id), Memory::new()?, Size::DEFAULT).await?;
    first.until("a megabyte", |all| all.len() > 1 << 20).await?;
    drop(first.drop_connection());
    let pids = [server.supervisor.pid(), server.agent_pid()];
    let resident = || pids.iter().map(|pid| resident_kib(*pid)).sum::<Result<u64>>();
    let before = resident()?;
    let mut stalled = Vec::new();
    for _ in 0..VIEWERS {
        let (viewer, _) = Viewer::attach(&server.url(id), Memory::new()?, Size::DEFAULT).await?;
        stalled.push(viewer);
    }
    let mut most = before;
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        most = most.max(resident()?);
    }
    #[expect(clippy::cast_precision_loss, reason = "kibibytes")]
    let each = (most - before) as f64 / 1024.0 / f64::from(VIEWERS);
    Ok(vec![Row::absolute("P4.stalled", each, "MiB", Better::Less, 4.0)])
}
