//! The agent as a child process: in a group of its own, its words in our log, ended gently.

use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{ChildStdin, Command};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

/// After SIGTERM it has so long to end.
const GENTLE: Duration = Duration::from_secs(5);
/// Longer lines become several.
const LINE_BYTES_MAX: u64 = 8 * 1024;

pub(super) struct Child {
    process: tokio::process::Child,
}

/// How it ended.
#[derive(Debug)]
pub(super) enum Ended {
    ByItself(ExitStatus),
    Stopped,
}

impl Child {
    pub(super) fn spawn(mut command: Command) -> io::Result<Self> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut process = command.spawn()?;
        if let Some(output) = process.stdout.take() {
            tokio::spawn(log(output));
        }
        if let Some(output) = process.stderr.take() {
            tokio::spawn(log(output));
        }
        Ok(Self { process })
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// What it reads, if it was given a pipe.
    pub(super) fn input(&mut self) -> Option<ChildStdin> {
        self.process.stdin.take()
    }

    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.process.wait().await
    }

    /// Waits for its end, and ends it when `stop` is cancelled.
    pub(super) async fn run_until(&mut self, stop: &CancellationToken) -> Ended {
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            ended = self.process.wait() => match ended {
                Ok(status) => return Ended::ByItself(status),
                Err(error) => {
                    warn!(%error, "the agent of this machine cannot be waited for");
                    return Ended::Stopped;
                }
            },
        }
        self.end().await;
        Ended::Stopped
    }

    async fn end(&mut self) {
        let pid = self
            .process
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw);
        let Some(pid) = pid else {
            return;
        };
        if let Err(error) = kill_process(pid, Signal::TERM) {
            debug!(%error, "the agent of this machine has ended already");
        }
        if timeout(GENTLE, self.process.wait()).await.is_err() {
            warn!(
                "the agent of this machine did not end within {} s and is killed",
                GENTLE.as_secs()
            );
            self.process.kill().await.ok();
        }
    }
}

/// Each line is one of ours. Ends with the pipe.
async fn log(output: impl AsyncRead + Unpin) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut output).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => info!(target: "agent", "{}", String::from_utf8_lossy(&line).trim_end()),
        }
    }
}
