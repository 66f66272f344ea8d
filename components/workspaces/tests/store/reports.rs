//! What becomes of a node's reports, of time, and of crashes between any two statements.

use sam_contract::agent::observed::ObservedState::{self, Deleted, Running, Starting, Stopped};
use sam_contract::agent::outbox::{Entry, Step, StepStatus, What};
use sam_contract::ids::{EventId, NodeId};
use sam_domain::workspaces::Cause;
use sam_kit::jobs::Stepped;
use sam_kit::reply::Wake;
use sam_workspaces::store::steps;
use sam_workspaces::work;

use super::*;

fn reconcile(db: &NativeDb, now: i64) -> Stepped {
    ready(work::reconcile(db, id(1), START_MS, now)).unwrap()
}

fn says(db: &NativeDb, n: u128, state: ObservedState, now: i64) -> WorkspaceRow {
    report(db, 1, &[word(&found(db, n), state)], now);
    reconcile(db, now);
    found(db, n)
}

fn events(db: &NativeDb) -> i64 {
    number(db, "SELECT count(*) AS n FROM events WHERE kind = 'workspace.updated'")
}

#[test]
fn a_full_life() {
    let db = migrated();
    insert(&db, &row(1, 1, 1));
    assert_eq!(says(&db, 1, Starting, NOW + 1).state.status, Status::Starting);
    assert_eq!(says(&db, 1, Running, NOW + 2).state.running_since, Some(NOW + 2));
    let (seen, seq) = (events(&db), newest(&db, 1));
    says(&db, 1, Running, NOW + 3);
    assert_eq!(
        (events(&db), newest(&db, 1)),
        (seen, seq),
        "nothing new, nothing written"
    );
    wish(&db, 1, Event::Delete, NOW + 4);
    says(&db, 1, Running, NOW + 5);
    assert_eq!(
        ready(wanted::wishes(&db, id(1))).unwrap().len(),
        1,
        "the tombstone stays until it is confirmed"
    );
    let (told, deleted) = (newest(&db, 1), says(&db, 1, Deleted, NOW + 6));
    assert_eq!(deleted.state.status, Status::Deleted);
    assert!(newest(&db, 1) > told, "the node hears that its word has arrived");
    assert_eq!(ready(wanted::wishes(&db, id(1))).unwrap(), []);
}

#[test]
fn a_node_speaks_for_its_own_workspaces_only() {
    let db = migrated();
    insert(&db, &row(1, 1, 1));
    insert(&db, &row(2, 2, 2));
    wish(&db, 2, Event::Delete, NOW);
    report(&db, 1, &[word(&found(&db, 2), Deleted)], NOW);
    reconcile(&db, NOW);
    assert_eq!(found(&db, 2).state.status, Status::Deleting);
}

#[test]
fn a_restored_backup_deletes_nothing() {
    let db = migrated();
    insert(&db, &row(1, 1, 1));
    let running = says(&db, 1, Running, NOW + 1);
    // The node knows a workspace that the backup does not, and a newer wish for the one that it does.
    let mut newer = word(&running, Running);
    (newer.generation, newer.attempt) = (9, 4);
    let mut unknown = word(&row(7, 1, 1), ObservedState::Orphan);
    unknown.generation = 1;
    report(&db, 1, &[newer, unknown], NOW + 2);
    let seq = newest(&db, 1);
    reconcile(&db, NOW + 2);
    let learned = found(&db, 1);
    assert_eq!(
        (learned.state.status, learned.state.attempt, learned.state.generation),
        (Status::Running, 4, 9)
    );
    assert!(newest(&db, 1) > seq);
    let wishes = ready(wanted::wishes(&db, id(1))).unwrap();
    assert_eq!(wishes.len(), 1, "the unknown one is not spoken of, and so kept");
    assert_eq!(wishes[0].state, sam_contract::agent::desired::DesiredState::Running);
}

#[test]
fn a_crash_at_any_statement_is_made_up_for() {
    for took_effect in [false, true] {
        for at in 0..6 {
            let db = migrated();
            insert(&db, &row(1, 1, 1));
            insert(&db, &row(2, 1, 1));
            let words = [word(&found(&db, 1), Running), word(&found(&db, 2), Starting)];
            report(&db, 1, &words, NOW + 1);
            db.crash_at(at, took_effect);
            let _ = ready(work::reconcile(&db, id(1), START_MS, NOW + 1));
            db.restart();
            reconcile(&db, NOW + 2);
            let status = |n| found(&db, n).state.status;
            assert_eq!(
                (status(1), status(2)),
                (Status::Running, Status::Starting),
                "{at} {took_effect}"
            );
        }
    }
}

#[test]
fn deadlines_fail_with_the_step_that_is_under_way() {
    let db = migrated();
    insert(&db, &row(1, 1, 1));
    let mut starting = word(&found(&db, 1), Starting);
    starting.step = Some("clone".to_owned());
    report(&db, 1, &[starting], NOW);
    reconcile(&db, NOW);
    let watch = |now| ready(work::watch(&db, START_MS, now)).unwrap();
    assert_eq!(watch(NOW + START_MS - 1).wakes, []);
    assert_eq!(watch(NOW + START_MS).wakes, [Wake::Account(id(1))]);
    let failed = found(&db, 1).state;
    assert_eq!(
        (failed.status, failed.failure.unwrap().step.as_str()),
        (Status::Failed, "clone")
    );
}

#[test]
fn who_works_is_not_stopped_and_who_does_not_is() {
    let db = migrated();
    insert(&db, &row(1, 1, 1));
    says(&db, 1, Running, NOW);
    let minute = 60_000;
    let watch = |now| ready(work::watch(&db, START_MS, now)).unwrap().wakes;
    let seen = |active_at: Option<i64>, now| {
        let mut running = word(&found(&db, 1), Running);
        running.active_at = active_at;
        report(&db, 1, &[running], now);
    };
    seen(Some(NOW + 4 * minute), NOW + 10 * minute);
    assert_eq!(watch(NOW + 10 * minute), [], "active four minutes after the start");
    let looked = number(&db, "SELECT idle_check_at AS n FROM workspaces");
    assert_eq!(looked, NOW + 14 * minute);
    seen(Some(NOW + 4 * minute), NOW + 12 * minute);
    assert_eq!(watch(NOW + 14 * minute), [], "the report is too old to tell");
    assert_eq!(found(&db, 1).state.status, Status::Running);
    seen(Some(NOW + 4 * minute), NOW + 15 * minute);
    assert_eq!(
        watch(NOW + 15 * minute),
        [Wake::Account(id(1)), Wake::Node(id::<NodeId>(1))]
    );
    let stopping = found(&db, 1).state;
    assert_eq!((stopping.status, stopping.cause), (Status::Stopping, Some(Cause::Idle)));
    assert_eq!(says(&db, 1, Stopped, NOW + 15 * minute).state.status, Status::Stopped);
}

#[test]
fn a_forgotten_node_ends_its_workspaces() {
    let db = migrated();
    insert(&db, &row(1, 1, 1));
    insert(&db, &row(2, 2, 2));
    ready(work::forget(&db, id(1), NOW)).unwrap();
    assert_eq!(found(&db, 1).state.cause, Some(Cause::NodeForgotten));
    assert_eq!(found(&db, 2).state.status, Status::Queued);
}

fn entry(n: u128, at: i64, workspace: u128, attempt: i64, status: StepStatus) -> Entry {
    Entry {
        id: id::<EventId>(n),
        at,
        what: What::Step(Step {
            workspace: id(workspace),
            attempt,
            n: 1,
            name: "clone".to_owned(),
            status,
            started_at: NOW,
            ended_at: None,
            percent: Some(200),
            tail: format!("{}ü", "x".repeat(5_000)),
        }),
    }
}

#[test]
fn steps_are_kept_once_and_in_order() {
    let db = migrated();
    insert(&db, &row(1, 1, 1));
    insert(&db, &row(2, 2, 2));
    let keep = |entries: &[Entry]| ready(steps::keep(&db, id(1), id(1), entries, NOW)).unwrap();
    let told = || number(&db, "SELECT count(*) AS n FROM events WHERE kind = 'workspace.step'");
    let status = || ready(steps::list(&db, id(1), 1)).unwrap()[0].status;
    let (begun, done) = (
        entry(1, NOW, 1, 1, StepStatus::Running),
        entry(2, NOW + 9, 1, 1, StepStatus::Done),
    );
    assert!(keep(&[begun.clone(), done.clone()]));
    assert_eq!((told(), status()), (2, StepStatus::Done));
    assert!(!keep(&[begun, done]), "sent again");
    assert_eq!((told(), status()), (2, StepStatus::Done));
    let kept = &ready(steps::list(&db, id(1), 1)).unwrap()[0];
    assert_eq!((kept.percent, kept.tail.len()), (Some(100), 4_096));
    assert!(
        !keep(&[entry(3, NOW, 2, 1, StepStatus::Running)]),
        "of another's workspace"
    );
    assert!(!keep(&[entry(4, NOW, 9, 1, StepStatus::Running)]), "of none");
    let unknown = Entry {
        id: id(5),
        at: NOW,
        what: What::Unknown,
    };
    assert!(!keep(&[unknown]));
    // Ids of one millisecond have no order: a step that was over so soon must not look as if it went on.
    let quick = [
        entry(9, NOW + 20, 1, 1, StepStatus::Running),
        entry(7, NOW + 20, 1, 1, StepStatus::Done),
    ];
    assert!(keep(&quick));
    assert_eq!(status(), StepStatus::Done);
    assert!(!keep(&quick), "sent again");
    assert!(keep(&[entry(6, NOW, 1, 2, StepStatus::Running)]), "of a newer attempt");
    ready(steps::prune(&db)).unwrap();
    assert_eq!(ready(steps::list(&db, id(1), 1)).unwrap().len(), 1);
}
