//! The decisions about this machine's agent, without its process.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

const WAIT_FIRST: Duration = Duration::from_secs(1);
const WAIT_LONGEST: Duration = Duration::from_secs(60);

/// The agent's exit code when another process has its identity.
const STANDS_DOWN: i32 = 3;
/// The agent's exit code when its node was removed.
const GONE: i32 = 4;

/// What follows the end of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Again,
    /// Nothing is wrong: there is nobody yet whose node this machine could be.
    Wait,
    Stop,
}

/// Whether an agent that ended with this code (`None`: by a signal) is started again. One that must not run is not: it
/// would only fight the one that took its place.
pub(super) fn after(code: Option<i32>) -> After {
    match code {
        Some(STANDS_DOWN | GONE) => After::Stop,
        Some(_) | None => After::Again,
    }
}

/// How long to wait after so many failures in a row.
pub(super) fn backoff(failures: u32) -> Duration {
    WAIT_FIRST.saturating_mul(1 << failures.min(10)).min(WAIT_LONGEST)
}

/// The agent's program: the one that was named, or the one beside this program if it is there.
pub(super) fn agent_bin(given: Option<&Path>, own: Option<&Path>) -> Option<PathBuf> {
    if let Some(given) = given {
        // A relative path is one of the shell that named it, also after the child changed its directory.
        return std::path::absolute(given).ok();
    }
    let beside = own?.parent()?.join("sam-agent");
    beside.is_file().then_some(beside)
}

/// Whether a variable of the host's environment reaches the agent.
pub(super) fn passes_on(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let is_ours = name.starts_with("SAM_") || name.starts_with("SPIN_VARIABLE_");
    !is_ours || name == "SAM_LOG" || name.starts_with("SAM_AGENT_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_that_must_not_run_is_not_started_again() {
        for (code, expect) in [
            (Some(0), After::Again),
            (Some(1), After::Again),
            (Some(3), After::Stop),
            (Some(4), After::Stop),
            (None, After::Again),
        ] {
            assert_eq!(after(code), expect, "{code:?}");
        }
    }

    #[test]
    fn waits_double_up_to_a_minute() {
        let waits: Vec<u64> = (0..8).map(|failures| backoff(failures).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff(u32::MAX), WAIT_LONGEST);
    }

    #[test]
    fn the_agent_is_beside_the_host_unless_it_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (own, beside) = (dir.path().join("sam-host"), dir.path().join("sam-agent"));
        assert_eq!(agent_bin(None, Some(&own)), None);
        std::fs::write(&beside, "").unwrap();
        assert_eq!(agent_bin(None, Some(&own)), Some(beside));
        assert_eq!(agent_bin(None, None), None);
        let named = Path::new("/elsewhere/agent");
        assert_eq!(agent_bin(Some(named), Some(&own)).as_deref(), Some(named));
        assert!(agent_bin(Some(Path::new("agent")), None).unwrap().is_absolute());
    }

    #[test]
    fn the_hosts_settings_do_not_reach_workspaces() {
        for (name, expect) in [
            ("PATH", true),
            ("SAM_S3_SECRET_KEY", false),
            ("SPIN_VARIABLE_VAULT_KEYS", false),
            ("SAM_AGENT_STATE_DIR", true),
            ("SAM_LOG", true),
            ("SAMBA_HOME", true),
        ] {
            assert_eq!(passes_on(OsStr::new(name)), expect, "{name}");
        }
    }
}
