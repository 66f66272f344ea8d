//! `git clone` into a workspace, with its progress.

use std::fs;
use std::io;
use std::process::Stdio;
use std::time::{Duration, Instant};

use sam_agent_domain::clone::percent;
use sam_agent_domain::remote::{self, Remote, shown};
use sam_contract::agent::desired::Repository;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::{Group, command};
use crate::place::Place;
use crate::state::StateDir;
use crate::steplog::StepLog;

/// A clone that says nothing for so long is stuck.
const SILENCE_MAX: Duration = Duration::from_secs(10 * 60);

/// Names the slot in the environment of a clone and of all that it starts.
const MARK: &str = "SAM_CLONE";
/// A killed process is gone by then.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// Ends what is left of an earlier clone into this place: one of an agent that was killed goes on without it, and would
/// write into the next one's files. Blocks.
pub(crate) fn end_leftovers(place: &Place) -> io::Result<()> {
    let mark = format!("{MARK}={}", place.slot());
    let deadline = Instant::now() + GONE_WITHIN;
    loop {
        let left = marked(mark.as_bytes());
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(io::Error::other("an earlier clone does not end"));
        }
        for pid in left {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn marked(mark: &[u8]) -> Vec<rustix::process::Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| {
            let pid = rustix::process::Pid::from_raw(process.file_name().to_str()?.parse().ok()?)?;
            let environment = fs::read(process.path().join("environ")).ok()?;
            environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == mark)
                .then_some(pid)
        })
        .collect()
}

/// Clones into the working copy, which is empty. The error is a sentence.
pub(crate) async fn clone(
    state: &StateDir,
    place: &Place,
    repository: &Repository,
    log: &StepLog,
) -> Result<(), String> {
    let kind = remote::parse(&repository.url)?;
    let mut git = command(state);
    if repository.has_credential {
        // Git's own client of a cache daemon: the agent is the daemon, see `credential`.
        let helper = format!(
            "credential.helper=cache --socket {}",
            quoted(&place.run().join("git.sock").to_string_lossy())
        );
        git.args(["-c", &helper]);
    }
    git.env(MARK, place.slot());
    git.args(["clone", "--progress"]);
    if let Some(branch) = &repository.branch {
        if !remote::branch(branch) {
            return Err(format!("`{branch}` is not the name of a branch"));
        }
        git.args(["--branch", branch]);
    }
    let mut url = repository.url.clone();
    if kind == Remote::Path {
        // Linked objects would let the workspace write into the repository it came from.
        git.arg("--no-hardlinks");
        if repository.shallow {
            url = format!("file://{url}");
        }
    }
    if repository.shallow {
        git.args(["--depth", "1"]);
    }
    git.arg("--").arg(&url).arg(".").current_dir(place.repo());
    git.stdout(Stdio::null()).stderr(Stdio::piped());
    log.line(&format!("git clone {}", shown(&repository.url)));
    let mut group =
        Group::spawn(&mut git).map_err(|error| format!("git cannot be run: {error}; install git on the node"))?;
    let last = follow(&mut group, log).await?;
    let status = group
        .wait()
        .await
        .map_err(|error| format!("git cannot be waited for: {error}"))?;
    if status.success() {
        return Ok(());
    }
    let why = last.unwrap_or_else(|| status.to_string());
    Err(format!("git clone of {} failed: {why}", shown(&repository.url)))
}

/// Reads what git says until it closes its end; the last complaint is why it failed.
async fn follow(group: &mut Group, log: &StepLog) -> Result<Option<String>, String> {
    let Some(mut output) = group.child.stderr.take() else {
        return Ok(None);
    };
    let (mut buffer, mut line, mut complaint) = (vec![0; 8192], Vec::new(), None);
    loop {
        let read = timeout(SILENCE_MAX, output.read(&mut buffer))
            .await
            .map_err(|_| {
                "git clone has said nothing for 10 minutes and was ended; retry when the remote answers".to_owned()
            })?
            .map_err(|error| format!("git's output cannot be read: {error}"))?;
        for byte in buffer.get(..read).unwrap_or_default() {
            match byte {
                // Progress overwrites its line: only its newest state counts, and only complete lines are logged.
                b'\r' | b'\n' => {
                    let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                    line.clear();
                    if let Some(percent) = percent(&text) {
                        log.percent(percent);
                    }
                    if text.starts_with("fatal:") || text.starts_with("error:") || text.starts_with("remote: error") {
                        complaint = Some(text.clone());
                    }
                    if *byte == b'\n' && !text.is_empty() {
                        log.line(&text);
                    }
                }
                byte if line.len() < 4096 => line.push(*byte),
                _ => {}
            }
        }
        if read == 0 {
            return Ok(complaint);
        }
    }
}

/// For the shell that git starts a helper with.
fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', "'\\''"))
}
