//! A child process whose output is kept, so that a failing test shows what the host said.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// How long a start may take on a busy machine with a cold compile cache.
const START_MAX: Duration = Duration::from_secs(120);

/// A started program.
pub struct Running {
    child: Child,
    stdout: mpsc::UnboundedReceiver<String>,
    said: Arc<Mutex<String>>,
}

impl Running {
    /// Starts `command`; it is killed when the value is dropped.
    pub fn start(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {command:?}"))?;
        let said = Arc::new(Mutex::new(String::new()));
        let (lines, stdout) = mpsc::unbounded_channel();
        if let Some(pipe) = child.stdout.take() {
            tokio::spawn(read(pipe, Arc::clone(&said), Some(lines)));
        }
        if let Some(pipe) = child.stderr.take() {
            tokio::spawn(read(pipe, Arc::clone(&said), None));
        }
        Ok(Self { child, stdout, said })
    }

    /// The rest of the first line of standard output that starts with `prefix`.
    pub async fn line(&mut self, prefix: &str) -> Result<String> {
        let wait = async {
            while let Some(line) = self.stdout.recv().await {
                if let Some(rest) = line.strip_prefix(prefix) {
                    return Ok(rest.trim().to_owned());
                }
            }
            Err(anyhow!("the host ended before it said `{prefix}`"))
        };
        match tokio::time::timeout(START_MAX, wait).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => bail!("{error}; it said:\n{}", self.said()),
            Err(_) => bail!(
                "no line `{prefix}` within {START_MAX:?}; the host said:\n{}",
                self.said()
            ),
        }
    }

    /// Everything the program printed so far, both streams.
    pub fn said(&self) -> String {
        self.said.lock().map(|said| said.clone()).unwrap_or_default()
    }

    /// SIGKILL, and waits until the process is gone.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("killing the host")
    }

    /// SIGTERM.
    pub fn terminate(&self) -> Result<()> {
        let pid = self.pid().context("the program has ended already")?;
        let status = std::process::Command::new("kill").arg(pid.to_string()).status()?;
        status
            .success()
            .then_some(())
            .with_context(|| format!("process {pid} cannot be ended"))
    }

    /// The process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for the end by itself.
    pub async fn wait(&mut self) -> Result<std::process::ExitStatus> {
        let waited = tokio::time::timeout(START_MAX, self.child.wait()).await;
        Ok(waited.with_context(|| format!("the host did not end; it said:\n{}", self.said()))??)
    }
}

async fn read(pipe: impl AsyncRead + Unpin, said: Arc<Mutex<String>>, lines: Option<mpsc::UnboundedSender<String>>) {
    let mut reader = BufReader::new(pipe).lines();
    while let Ok(Some(line)) = reader.next_line().await {
        if let Ok(mut said) = said.lock() {
            said.push_str(&line);
            said.push('\n');
        }
        if let Some(lines) = &lines {
            // The receiver may be gone: the text is kept in `said` all the same.
            let _ = lines.send(line);
        }
    }
}
