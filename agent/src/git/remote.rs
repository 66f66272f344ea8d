//! What a remote has, without cloning it.

use std::process::Stdio;
use std::time::Duration;

use sam_agent_domain::remote::{parse, shown};
use sam_contract::agent::api::GitRemote;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::{Group, command};
use crate::state::StateDir;

/// Someone waits for it in a dialog.
const PATIENCE: Duration = Duration::from_secs(15);
/// References of very large repositories are cut off.
const OUTPUT_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// So many branches are shown.
const BRANCHES_MAX: usize = 1000;

/// Asks it; the error is a sentence.
pub(crate) async fn remote(state: &StateDir, url: &str) -> Result<GitRemote, String> {
    parse(url)?;
    let mut git = command(state);
    git.args(["ls-remote", "--symref", "--", url, "HEAD", "refs/heads/*"]);
    git.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group =
        Group::spawn(&mut git).map_err(|error| format!("git cannot be run: {error}; install git on the node"))?;
    let (mut output, mut complaint) = (Vec::new(), Vec::new());
    let (stdout, stderr) = (group.child.stdout.take(), group.child.stderr.take());
    let read = async {
        let out = async {
            match stdout {
                Some(stdout) => stdout.take(OUTPUT_BYTES_MAX).read_to_end(&mut output).await.map(drop),
                None => Ok(()),
            }
        };
        let err = async {
            match stderr {
                Some(stderr) => stderr.take(64 * 1024).read_to_end(&mut complaint).await.map(drop),
                None => Ok(()),
            }
        };
        let (out, err) = tokio::join!(out, err);
        out.and(err)
    };
    let ended = timeout(PATIENCE, async {
        read.await?;
        group.wait().await
    });
    let status = ended
        .await
        .map_err(|_| format!("{} does not answer within {} s", shown(url), PATIENCE.as_secs()))?
        .map_err(|error| format!("git cannot be waited for: {error}"))?;
    if !status.success() {
        let complaint = String::from_utf8_lossy(&complaint);
        let why = complaint
            .lines()
            .find(|line| line.starts_with("fatal:"))
            .unwrap_or("git says no more");
        return Err(format!("{} cannot be read: {why}", shown(url)));
    }
    Ok(read_refs(&String::from_utf8_lossy(&output)))
}

fn read_refs(output: &str) -> GitRemote {
    let mut remote = GitRemote::default();
    for line in output.lines() {
        let Some((left, name)) = line.split_once('\t') else {
            continue;
        };
        if let Some(target) = left.strip_prefix("ref: refs/heads/") {
            remote.default_branch = Some(target.to_owned());
        } else if let Some(branch) = name.strip_prefix("refs/heads/") {
            remote.branches.push(branch.to_owned());
        }
    }
    remote.truncated = remote.branches.len() > BRANCHES_MAX;
    remote.branches.truncate(BRANCHES_MAX);
    // An empty repository names a branch that is not there.
    if remote.branches.is_empty() {
        remote.default_branch = None;
    }
    remote
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_and_the_default_one() {
        let remote = read_refs("ref: refs/heads/main\tHEAD\n01\tHEAD\n02\trefs/heads/dev\n01\trefs/heads/main\n");
        assert_eq!(remote.default_branch.as_deref(), Some("main"));
        assert_eq!(remote.branches, ["dev", "main"]);
        assert_eq!(read_refs("ref: refs/heads/main\tHEAD\n"), GitRemote::default());
    }
}
