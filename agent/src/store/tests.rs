//! What is written down stays, in order, until it is taken.

use super::*;
use sam_contract::agent::outbox::Step;
use sam_contract::ids::{EventId, Id};

fn entry(n: u32, status: StepStatus, tail: &str) -> Entry {
    Entry {
        id: EventId::from_parts(1, crate::clock::random()),
        at: 1,
        what: What::Step(Step {
            workspace: WorkspaceId::from_parts(1, 1),
            attempt: 1,
            n,
            name: "clone".to_owned(),
            status,
            started_at: 1,
            ended_at: None,
            percent: None,
            tail: tail.to_owned(),
        }),
    }
}

fn tails(waiting: &Waiting) -> Vec<String> {
    let tail = |entry: &Entry| match &entry.what {
        What::Step(step) => step.tail.clone(),
        What::Unknown => String::new(),
    };
    waiting.iter().map(|(_, entry)| tail(entry)).collect()
}

#[tokio::test]
async fn entries_stay_until_taken_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.sqlite");
    let store = Store::open(&path).unwrap();
    let id = WorkspaceId::from_parts(1, 1);
    let progress = Progress {
        attempt: 3,
        ..Progress::default()
    };
    store.write(Some(entry(0, StepStatus::Running, "")), None);
    store.write(
        Some(entry(0, StepStatus::Done, "a")),
        Some((id, Some(progress.clone()))),
    );
    store.write(Some(entry(1, StepStatus::Failed, "b")), None);
    store.flush().await.unwrap();
    drop(store);

    let store = Store::open(&path).unwrap();
    assert_eq!(store.progress().await.unwrap(), [(id, progress)]);
    let waiting = store.waiting(2).await.unwrap();
    assert_eq!(tails(&waiting), ["", "a"]);
    store.ack(waiting[1].0).await.unwrap();
    assert_eq!(tails(&store.waiting(9).await.unwrap()), ["b"]);
}

#[tokio::test]
async fn a_passing_state_replaces_the_one_before_unless_it_is_being_sent() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("outbox.sqlite")).unwrap();
    for n in 0..50 {
        store.write(Some(entry(1, StepStatus::Running, &format!("{n}%"))), None);
    }
    assert_eq!(tails(&store.waiting(9).await.unwrap()), ["49%"]);
    store.write(Some(entry(1, StepStatus::Running, "50%")), None);
    store.write(Some(entry(1, StepStatus::Done, "end")), None);
    assert_eq!(tails(&store.waiting(9).await.unwrap()), ["49%", "50%", "end"]);
}
