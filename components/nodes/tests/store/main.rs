//! The SQL of nodes against a real SQLite with the real migrations: owners, races, silence, reports.
#![cfg(test)]

use futures::executor::block_on as ready;
use sam_contract::agent::observed::{Observed, ObservedState, ObservedWorkspace};
use sam_contract::ids::{AccountId, Id, NodeId, WorkspaceId};
use sam_domain::effects::{Effects, NewJob};
use sam_domain::nodes::{self as rules, Cause as Why, Event, Node, Status};
use sam_kit::db::Db;
use sam_kit::effects::{Cause, Written, write};
use sam_kit::native::NativeDb;
use sam_kit::params;
use sam_nodes::store::nodes::{self, Change, NodeRow};
use sam_nodes::store::reports::{self, Kept};
use sam_nodes::work;

/// Nothing happens before.
const NOW: i64 = 1_000_000_000;
const SILENCE_MS: i64 = 90_000;

fn id<T: Id>(n: u128) -> T {
    T::from_parts(NOW, n)
}

/// Accounts 1 and 2, each with a user of the same number.
fn migrated() -> NativeDb {
    let db = NativeDb::migrated("default").unwrap();
    for n in [1, 2] {
        let (account, user): (AccountId, sam_contract::ids::UserId) = (id(n), id(n));
        let sql = "INSERT INTO accounts (id, kind, name, created_at) VALUES (?, 'personal', 'a', 1)";
        ready(db.query(sql, params![account])).unwrap();
        let sql = "INSERT INTO users (id, account_id, name, role, status, created_at, updated_at) \
            VALUES (?, ?, 'n', 'user', 'active', 1, 1)";
        ready(db.query(sql, params![user, account])).unwrap();
    }
    db
}

fn number(db: &NativeDb, sql: &str) -> i64 {
    ready(db.row(sql, params![])).unwrap().unwrap().get("n").unwrap()
}

fn row(n: u128, account: u128) -> NodeRow {
    NodeRow {
        id: id(n),
        account_id: id(account),
        name: format!("node {n}"),
        is_local: false,
        state: rules::new(NOW + 900_000),
        public_key: None,
        enrol_expires_at: Some(NOW + 900_000),
        enrol_key: None,
        epoch: 0,
        machine: None,
        created_at: NOW,
        version: 1,
    }
}

fn insert(db: &NativeDb, row: &NodeRow) {
    let hash = [row.id.to_string().bytes().next_back().unwrap(); 32];
    assert!(ready(nodes::insert(db, row, hash, 20, &Written::default())).unwrap());
}

/// A node that reports.
fn reporting(db: &NativeDb, n: u128, account: u128) -> NodeRow {
    insert(db, &row(n, account));
    for event in [Event::Enrolled, Event::Reported] {
        let was = found(db, id(n));
        let (next, _) = rules::step(was.state, event, "n", NOW).unwrap();
        let change = Change {
            key: Some([7; 32]),
            ..Change::default()
        };
        assert!(ready(nodes::change(db, &was, &next, &change, NOW, &Written::default())).unwrap());
    }
    ready(reports::keep(db, id(n), &report(1, 1, &[]), NOW, &Written::default())).unwrap();
    found(db, id(n))
}

fn found(db: &NativeDb, id: NodeId) -> NodeRow {
    ready(nodes::find(db, id)).unwrap().unwrap()
}

fn workspace(db: &NativeDb, n: u128, node: u128, status: &str) {
    let sql = "INSERT INTO workspaces (id, account_id, user_id, node_id, name, status, desire, generation, attempt, \
        rebuild, desired_seq, idle_stop_minutes, shallow, cpu_milli, memory_bytes, pids, created_at, updated_at) \
        VALUES (?1, ?2, ?3, ?4, 'w', ?5, 'running', 1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1)";
    let (workspace, account, user, node): (WorkspaceId, AccountId, sam_contract::ids::UserId, NodeId) =
        (id(n), id(1), id(1), id(node));
    ready(db.query(sql, params![workspace, account, user, node, status])).unwrap();
}

fn report(epoch: i64, seq: i64, workspaces: &[(u128, ObservedState, Option<i64>)]) -> Observed {
    let workspace = |(n, state, active_at): &(u128, ObservedState, Option<i64>)| ObservedWorkspace {
        id: id(*n),
        generation: 1,
        attempt: 1,
        state: *state,
        step: None,
        failure: None,
        isolation: None,
        image: None,
        recovery: None,
        branch: None,
        active_at: *active_at,
        terminals: 0,
        ports: Vec::new(),
    };
    Observed {
        epoch,
        seq,
        generation: 1,
        machine: sam_contract::agent::enrol::Machine::default(),
        load: sam_contract::agent::observed::Load::default(),
        workspaces: workspaces.iter().map(workspace).collect(),
        warm: 1,
    }
}

fn news(db: &NativeDb) -> Written {
    let _ = db;
    let job = NewJob {
        queue: "workspaces",
        kind: "reconcile",
        key: "reconcile:x".to_owned(),
        payload: Vec::new(),
        delay_ms: 0,
    };
    let cause = Cause {
        now: NOW,
        account: id(1),
        actor: None,
        request: None,
    };
    write(&Effects::job(job), &cause).unwrap()
}

#[test]
fn an_account_sees_its_own_nodes_and_has_so_many_at_most() {
    let db = migrated();
    insert(&db, &row(1, 1));
    insert(&db, &row(2, 2));
    assert!(ready(nodes::show(&db, id(1), id(1))).unwrap().is_some());
    assert!(ready(nodes::show(&db, id(2), id(1))).unwrap().is_none());
    assert_eq!(ready(nodes::list(&db, id(1), "~", 10)).unwrap().len(), 1);
    assert!(!ready(nodes::insert(&db, &row(3, 1), [3; 32], 1, &Written::default())).unwrap());
    assert!(ready(nodes::insert(&db, &row(3, 1), [3; 32], 2, &Written::default())).unwrap());
}

#[test]
fn pages_go_on_where_they_ended() {
    let db = migrated();
    for n in 1..=5 {
        insert(&db, &row(n, 1));
    }
    let ids = |before: &str, rows| {
        let found = ready(nodes::list(&db, id(1), before, rows)).unwrap();
        found.into_iter().map(|row| row.node.id).collect::<Vec<NodeId>>()
    };
    let first = ids("~", 3);
    assert_eq!(first, [id(5), id(4), id(3)]);
    assert_eq!(ids(&first[2].to_string(), 3), [id(2), id(1)]);
}

#[test]
fn a_command_lets_one_key_in() {
    let db = migrated();
    insert(&db, &row(1, 1));
    let hash = [1; 32];
    let was = found(&db, id(1));
    let command = Change {
        command: Some((hash, NOW + 5)),
        ..Change::default()
    };
    assert!(ready(nodes::change(&db, &was, &was.state, &command, NOW, &Written::default())).unwrap());
    let open = ready(nodes::by_command(&db, hash)).unwrap().unwrap();
    assert_eq!((open.enrol_key, open.enrol_expires_at), (None, Some(NOW + 5)));
    let (next, _) = rules::step(open.state, Event::Enrolled, "n", NOW).unwrap();
    let join = |key: u8| Change {
        key: Some([key; 32]),
        ..Change::default()
    };
    assert!(ready(nodes::change(&db, &open, &next, &join(8), NOW, &Written::default())).unwrap());
    let raced = ready(nodes::change(&db, &open, &next, &join(9), NOW, &Written::default())).unwrap();
    assert!(!raced, "decided about an older version");
    let used = ready(nodes::by_command(&db, hash)).unwrap().unwrap();
    assert_eq!((used.enrol_key, used.public_key), (Some([8; 32]), Some([8; 32])));
    // Another command is open again, and the old one is unknown.
    let again = Change {
        command: Some(([2; 32], NOW + 9)),
        ..Change::default()
    };
    assert!(ready(nodes::change(&db, &used, &used.state, &again, NOW, &Written::default())).unwrap());
    assert!(ready(nodes::by_command(&db, hash)).unwrap().is_none());
    let open = ready(nodes::by_command(&db, [2; 32])).unwrap().unwrap();
    assert_eq!(
        (open.enrol_key, open.public_key),
        (None, Some([8; 32])),
        "the old key works until then"
    );
}

#[test]
fn an_older_report_changes_nothing() {
    let db = migrated();
    reporting(&db, 1, 1);
    let keep = |epoch, seq| {
        ready(reports::keep(
            &db,
            id(1),
            &report(epoch, seq, &[]),
            NOW + seq,
            &Written::default(),
        ))
        .unwrap()
    };
    assert_eq!(keep(1, 2), Kept::Same);
    assert_eq!(keep(1, 2), Kept::Late, "repeated");
    assert_eq!(keep(1, 1), Kept::Late, "reordered");
    assert_eq!(keep(2, 0), Kept::Same, "a newer process counts anew");
    assert_eq!(keep(1, 9), Kept::Late, "an older process");
    assert_eq!(number(&db, "SELECT seen_at AS n FROM node_reports"), NOW);
}

#[test]
fn only_what_concerns_workspaces_makes_work() {
    let db = migrated();
    reporting(&db, 1, 1);
    let jobs = || number(&db, "SELECT count(*) AS n FROM jobs WHERE kind = 'reconcile'");
    let mut seq = 1;
    let mut keep = |workspaces: &[(u128, ObservedState, Option<i64>)]| {
        seq += 1;
        ready(reports::keep(&db, id(1), &report(1, seq, workspaces), NOW, &news(&db))).unwrap()
    };
    use ObservedState::{Running, Stopped};
    assert_eq!((keep(&[]), jobs()), (Kept::Same, 0));
    assert_eq!((keep(&[(5, Running, None)]), jobs()), (Kept::News, 1));
    assert_eq!(
        (keep(&[(5, Running, Some(7))]), jobs()),
        (Kept::Same, 1),
        "a key was pressed"
    );
    assert_eq!(keep(&[(5, Running, Some(8)), (6, Stopped, None)]), Kept::News);
    assert_eq!(
        keep(&[(6, Stopped, None), (5, Running, Some(9))]),
        Kept::Same,
        "another order"
    );
    assert_eq!(keep(&[(6, Stopped, None)]), Kept::News);
    assert_eq!(jobs(), 1, "one job, however much is new");
}

#[test]
fn what_only_the_node_knows_is_shown_and_kept() {
    let db = migrated();
    reporting(&db, 1, 1);
    workspace(&db, 5, 1, "running");
    workspace(&db, 6, 1, "deleted");
    use ObservedState::{Deleted, Orphan, Running};
    let seen = [
        (5, Running, None),
        (6, Running, None),
        (7, Orphan, None),
        (8, Deleted, None),
    ];
    ready(reports::keep(
        &db,
        id(1),
        &report(1, 2, &seen),
        NOW,
        &Written::default(),
    ))
    .unwrap();
    let shown = ready(nodes::show(&db, id(1), id(1))).unwrap().unwrap();
    let orphans: Vec<WorkspaceId> = serde_json::from_str(&shown.orphans.unwrap()).unwrap();
    assert_eq!(orphans, [id(6), id(7)]);
    assert_eq!(shown.workspaces, 1);
}

#[test]
fn silence_is_noticed_once_and_a_word_ends_it() {
    let db = migrated();
    reporting(&db, 1, 1);
    let watch = |now| ready(work::watch(&db, SILENCE_MS, now)).unwrap();
    let events = || number(&db, "SELECT count(*) AS n FROM events WHERE kind = 'node.updated'");
    assert_eq!((watch(NOW + SILENCE_MS - 1).wakes.len(), events()), (0, 0));
    assert_eq!((watch(NOW + SILENCE_MS).wakes.len(), events()), (1, 1));
    let silent = found(&db, id(1)).state;
    assert_eq!((silent.status, silent.cause), (Status::Unreachable, Some(Why::Silent)));
    assert_eq!((watch(NOW + 2 * SILENCE_MS).wakes.len(), events()), (0, 1));
}

#[test]
fn a_machine_that_never_reports_is_noticed() {
    let db = migrated();
    insert(&db, &row(1, 1));
    let was = found(&db, id(1));
    let (next, _) = rules::step(was.state, Event::Enrolled, "n", NOW).unwrap();
    assert!(
        ready(nodes::change(
            &db,
            &was,
            &next,
            &Change::default(),
            NOW,
            &Written::default()
        ))
        .unwrap()
    );
    ready(work::watch(&db, SILENCE_MS, NOW + rules::FIRST_REPORT_MS - 1)).unwrap();
    assert_eq!(found(&db, id(1)).state.status, Status::Enrolling);
    ready(work::watch(&db, SILENCE_MS, NOW + rules::FIRST_REPORT_MS)).unwrap();
    assert_eq!(found(&db, id(1)).state.cause, Some(Why::NeverReported));
}

#[test]
fn an_unused_node_is_deleted_and_forgotten_in_the_end() {
    let db = migrated();
    insert(&db, &row(1, 1));
    let expired = NOW + 900_000;
    ready(work::watch(&db, SILENCE_MS, expired)).unwrap();
    assert_eq!(found(&db, id(1)).state.cause, Some(Why::CommandExpired));
    let deleted = expired + rules::PENDING_KEEP_MS;
    ready(work::watch(&db, SILENCE_MS, deleted)).unwrap();
    assert_eq!(found(&db, id(1)).state.status, Status::Deleted);
    ready(nodes::prune(&db, deleted + nodes::KEEP_DELETED_MS)).unwrap();
    assert!(ready(nodes::find(&db, id(1))).unwrap().is_some());
    ready(nodes::prune(&db, deleted + nodes::KEEP_DELETED_MS + 1)).unwrap();
    assert!(ready(nodes::find(&db, id(1))).unwrap().is_none());
}

#[test]
fn a_node_with_workspaces_is_deleted_by_force_only() {
    let db = migrated();
    let was = reporting(&db, 1, 1);
    workspace(&db, 5, 1, "stopped");
    let deleted = |force| -> (Node, Effects) { rules::step(was.state, Event::Delete { force }, "n", NOW).unwrap() };
    let change = Change {
        only_if_empty: true,
        ..Change::default()
    };
    let (next, _) = deleted(false);
    assert!(!ready(nodes::change(&db, &was, &next, &change, NOW, &Written::default())).unwrap());
    let (next, effects) = deleted(true);
    let cause = Cause {
        now: NOW,
        account: id(1),
        actor: None,
        request: None,
    };
    let written = write(&effects, &cause).unwrap();
    assert!(ready(nodes::change(&db, &was, &next, &Change::default(), NOW, &written)).unwrap());
    assert_eq!(
        number(&db, "SELECT count(*) AS n FROM jobs WHERE kind = 'node-gone'"),
        1
    );
    assert!(ready(nodes::show(&db, id(1), id(1))).unwrap().is_none());
}

#[test]
fn there_is_one_local_node() {
    let db = migrated();
    let local = |n| NodeRow {
        is_local: true,
        ..row(n, 1)
    };
    insert(&db, &local(1));
    assert!(ready(nodes::insert(&db, &local(2), [2; 32], 20, &Written::default())).is_err());
    assert_eq!(ready(nodes::local(&db)).unwrap().unwrap().id, id(1));
}
