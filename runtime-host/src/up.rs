//! `sam-host up`: everything from an empty directory to a served sign-in page, step by step, and back.

mod browser;
mod steps;

use crate::cli::UpArgs;
use crate::settings;
use crate::signals::Signals;
use anyhow::{Context, Result};
use std::io::Write;
use tracing::info;

pub use steps::{Running, start};

/// Runs until a signal.
///
/// # Errors
/// Names the step of the start that failed.
pub fn command(args: &UpArgs) -> Result<()> {
    let environment =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let settings = settings::read(environment)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads can be started")?;
    let result = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let running = tokio::select! {
            started = start(args, settings) => started?,
            () = signals.next() => return Ok(()),
        };
        announce(&running)?;
        if !args.no_open {
            browser::open(running.login_url());
        }
        signals.next().await;
        info!("stopping: requests in flight have 10 s to finish; Ctrl-C again ends at once");
        tokio::select! {
            () = running.stop() => {}
            () = signals.next() => std::process::exit(130),
        }
        info!("stopped");
        Ok(())
    });
    // What is left are guests beyond their deadline; they must not keep the process.
    runtime.shutdown_background();
    result
}

/// The two lines that scripts wait for. Nothing else is ever printed to standard output.
fn announce(running: &Running) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready: {}", running.origin())
        .and_then(|()| writeln!(out, "login: {}", running.login_url()))
        .and_then(|()| out.flush())
        .context("standard output is closed")
}
