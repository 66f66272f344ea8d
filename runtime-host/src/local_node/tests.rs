//! The supervision, with a shell script as the agent.

use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// An agent that does what the tests need of one, and notes what it is asked.
const SCRIPT: &str = r#"#!/bin/sh
state=; previous=
for word in "$@"; do
  [ "$previous" = --state-dir ] && state=$word
  previous=$word
done
notes=$(dirname "$state")/notes
echo "$@" >> "$notes"
case $1 in
  enrol)
    read -r token
    echo "token $token" >> "$notes"
    [ "$token" = good ] || { echo "refused" >&2; exit 1; }
    mkdir -p "$state" && echo '{}' > "$state/identity.json" ;;
  run)
    echo "pid $$ group $(ps -o pgid= -p $$ | tr -d ' ')" >> "$notes"
    [ -e "$state/../crash" ] && { rm "$state/../crash"; exit 1; }
    [ -e "$state/../stand-down" ] && exit 3
    trap 'echo term >> "$notes"; exit 0' TERM
    while :; do sleep 0.05; done ;;
esac
"#;

struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("sam-agent");
        fs::write(&script, SCRIPT).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        Self { dir }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn agent(&self) -> Agent {
        Agent {
            binary: self.path().join("sam-agent"),
            state: self.path().join("node"),
            url: "http://127.0.0.1:1".to_owned(),
        }
    }

    fn notes(&self) -> String {
        fs::read_to_string(self.path().join("notes")).unwrap_or_default()
    }

    async fn until(&self, what: &str, condition: impl Fn(&str) -> bool) {
        let waited = timeout(Duration::from_secs(20), async {
            while !condition(&self.notes()) {
                sleep(Duration::from_millis(10)).await;
            }
        });
        assert!(waited.await.is_ok(), "waited for {what}: {}", self.notes());
    }
}

#[tokio::test]
async fn an_agent_joins_once_runs_in_its_own_group_and_ends_gently() {
    let place = Place::new();
    let node = supervise(place.agent(), || async { Ok(Some("good".to_owned())) });
    place.until("the agent to run", |notes| notes.contains("pid")).await;
    let notes = place.notes();
    let state = place.path().join("node");
    let enrol = format!(
        "enrol --token-stdin --url http://127.0.0.1:1 --state-dir {}",
        state.display()
    );
    assert!(notes.starts_with(&enrol), "{notes}");
    assert!(notes.contains("token good"), "{notes}");
    let line = notes.lines().find(|line| line.starts_with("pid")).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(words[1], words[3], "its own group, so that Ctrl-C passes it by: {line}");
    node.stop().await;
    assert!(place.notes().ends_with("term\n"), "{}", place.notes());

    let again = supervise(place.agent(), || async {
        anyhow::bail!("nobody asks for a second token")
    });
    place
        .until("the agent to run again", |notes| notes.matches("pid").count() == 2)
        .await;
    again.stop().await;
    assert_eq!(place.notes().matches("enrol ").count(), 1);
}

#[tokio::test]
async fn what_fails_is_tried_again() {
    let place = Place::new();
    fs::write(place.path().join("crash"), "").unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let ask = move || {
        let n = counter.fetch_add(1, Ordering::SeqCst);
        async move {
            match n {
                0 => Ok(None),
                1 => Ok(Some("bad".to_owned())),
                _ => Ok(Some("good".to_owned())),
            }
        }
    };
    let node = supervise(place.agent(), ask);
    place
        .until("a crash and a second run", |notes| notes.matches("pid").count() == 2)
        .await;
    assert_eq!(asked.load(Ordering::SeqCst), 3, "a fresh token for each try");
    node.stop().await;
}

#[tokio::test]
async fn an_agent_that_stands_down_is_left_alone() {
    let place = Place::new();
    fs::write(place.path().join("stand-down"), "").unwrap();
    let node = supervise(place.agent(), || async { Ok(Some("good".to_owned())) });
    let task = node.task;
    timeout(Duration::from_secs(10), task)
        .await
        .expect("the supervision ends")
        .unwrap();
    assert_eq!(place.notes().matches("pid").count(), 1);
}
