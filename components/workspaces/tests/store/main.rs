//! The SQL of workspaces against a real SQLite with the real migrations: owners, races, reports, crashes, doors.
#![cfg(test)]

mod doors;
mod reports;

use futures::executor::block_on as ready;
use sam_contract::agent::desired::Limits;
use sam_contract::agent::observed::{ObservedState, ObservedWorkspace};
use sam_contract::ids::{AccountId, Id, NodeId, UserId, WorkspaceId};
use sam_domain::workspaces::{self as rules, Event, Status};
use sam_kit::db::Db;
use sam_kit::effects::Written;
use sam_kit::native::NativeDb;
use sam_kit::params;
use sam_kit::views::workspaces as wanted;
use sam_workspaces::store::workspaces::{self, Caps, Change, Spec, WorkspaceRow};

/// Nothing happens before.
pub(crate) const NOW: i64 = 1_000_000_000;
pub(crate) const START_MS: i64 = 1_800_000;

const CAPS: Caps = Caps {
    per_node: 3,
    per_user: 3,
};

pub(crate) fn id<T: Id>(n: u128) -> T {
    T::from_parts(NOW, n)
}

/// Accounts 1 and 2 with a user and a ready node of the same number.
pub(crate) fn migrated() -> NativeDb {
    let db = NativeDb::migrated("default").unwrap();
    for n in [1, 2] {
        let (account, user, node): (AccountId, UserId, NodeId) = (id(n), id(n), id(n));
        let sql = "INSERT INTO accounts (id, kind, name, created_at) VALUES (?, 'personal', 'a', 1)";
        ready(db.query(sql, params![account])).unwrap();
        let sql = "INSERT INTO users (id, account_id, name, role, status, created_at, updated_at) \
            VALUES (?, ?, 'n', 'user', 'active', 1, 1)";
        ready(db.query(sql, params![user, account])).unwrap();
        let sql = "INSERT INTO nodes (id, account_id, name, status, created_at, updated_at) \
            VALUES (?, ?, 'node', 'ready', 1, 1)";
        ready(db.query(sql, params![node, account])).unwrap();
    }
    db
}

pub(crate) fn number(db: &NativeDb, sql: &str) -> i64 {
    ready(db.row(sql, params![])).unwrap().unwrap().get("n").unwrap()
}

pub(crate) fn row(n: u128, owner: u128, node: u128) -> WorkspaceRow {
    WorkspaceRow {
        id: id(n),
        account_id: id(owner),
        user_id: id(owner),
        node_id: id(node),
        spec: Spec {
            name: format!("workspace {n}"),
            repository: Some("https://git.example/a/b".to_owned()),
            branch: None,
            shallow: false,
            isolation: None,
            image: None,
            limits: Limits::default(),
            idle_stop_minutes: 10,
        },
        state: rules::new(NOW, START_MS),
        observed: "{}".to_owned(),
        created_at: NOW,
        version: 1,
    }
}

pub(crate) fn insert(db: &NativeDb, row: &WorkspaceRow) -> bool {
    ready(workspaces::insert(db, row, None, CAPS, &Written::default())).unwrap()
}

pub(crate) fn found(db: &NativeDb, n: u128) -> WorkspaceRow {
    ready(workspaces::find(db, id(n))).unwrap().unwrap()
}

/// A person's wish.
pub(crate) fn wish(db: &NativeDb, n: u128, event: Event, now: i64) -> WorkspaceRow {
    let was = found(db, n);
    let change = Change {
        state: rules::step(&was.state, event, now, START_MS).unwrap(),
        ..Change::none(&was)
    };
    assert!(ready(workspaces::change(db, &was, &change, now, &Written::default())).unwrap());
    found(db, n)
}

pub(crate) fn newest(db: &NativeDb, node: u128) -> i64 {
    ready(wanted::newest(db, id(node))).unwrap()
}

/// The node's word on a workspace, about what is wanted of it now.
pub(crate) fn word(row: &WorkspaceRow, state: ObservedState) -> ObservedWorkspace {
    ObservedWorkspace {
        id: row.id,
        generation: row.state.generation,
        attempt: row.state.attempt,
        state,
        step: None,
        failure: None,
        isolation: None,
        image: None,
        recovery: None,
        branch: None,
        active_at: None,
        terminals: 0,
        ports: Vec::new(),
    }
}

/// The node's report, kept as `nodes` keeps it.
pub(crate) fn report(db: &NativeDb, node: u128, words: &[ObservedWorkspace], now: i64) {
    let sql = "INSERT INTO node_reports (node_id, epoch, seq, generation, seen_at, load, warm, workspaces, digest) \
        VALUES (?1, 1, 1, 1, ?2, '{}', 0, ?3, x'00') \
        ON CONFLICT (node_id) DO UPDATE SET workspaces = excluded.workspaces, seen_at = excluded.seen_at";
    let node: NodeId = id(node);
    ready(db.query(sql, params![node, now, serde_json::to_string(words).unwrap()])).unwrap();
}

#[test]
fn a_workspace_needs_a_ready_node_of_its_account_and_room() {
    let db = migrated();
    assert!(!insert(&db, &row(1, 1, 2)), "another's node");
    assert!(!insert(&db, &row(1, 1, 9)), "no node");
    for n in 1..=3 {
        assert!(insert(&db, &row(n, 1, 1)));
    }
    assert!(!insert(&db, &row(4, 1, 1)), "full");
    assert_eq!(ready(workspaces::counts(&db, id(1), id(1))).unwrap(), (3, 3));
    ready(db.query(
        "UPDATE workspaces SET status = 'deleted' WHERE id = ?",
        params![id::<WorkspaceId>(1)],
    ))
    .unwrap();
    assert!(insert(&db, &row(4, 1, 1)), "a deleted one takes no room");
    for status in ["pending", "enrolling", "unreachable", "draining", "deleted"] {
        ready(db.query("UPDATE nodes SET status = ?", params![status])).unwrap();
        assert!(!insert(&db, &row(8, 2, 2)), "{status}");
    }
}

#[test]
fn an_account_sees_its_own() {
    let db = migrated();
    insert(&db, &row(1, 1, 1));
    insert(&db, &row(2, 2, 2));
    assert!(ready(workspaces::show(&db, id(1), id(1))).unwrap().is_some());
    assert!(ready(workspaces::show(&db, id(2), id(1))).unwrap().is_none());
    let list = |account, node: Option<u128>| {
        ready(workspaces::list(&db, id(account), node.map(id), "~", 10))
            .unwrap()
            .len()
    };
    assert_eq!(
        (list(1, None), list(1, Some(1)), list(1, Some(2)), list(2, None)),
        (1, 1, 0, 1)
    );
}

#[test]
fn every_wish_has_a_greater_number_than_the_one_before() {
    let db = migrated();
    assert_eq!(newest(&db, 1), 0);
    insert(&db, &row(1, 1, 1));
    let first = newest(&db, 1);
    assert_eq!(first, NOW, "never behind the clock");
    insert(&db, &row(2, 1, 1));
    assert_eq!(newest(&db, 1), first + 1, "at the same moment");
    assert_eq!(newest(&db, 2), 0, "another node's are its own");
    wish(&db, 1, Event::Stop, NOW);
    assert_eq!(newest(&db, 1), first + 2);
    wish(&db, 2, Event::Stop, NOW - 5_000);
    assert_eq!(newest(&db, 1), first + 3, "the clock went back");
    let states = ready(wanted::wishes(&db, id(1))).unwrap();
    assert_eq!(states.len(), 2);
}

#[test]
fn two_at_once_do_not_both_decide() {
    let db = migrated();
    insert(&db, &row(1, 1, 1));
    let was = found(&db, 1);
    let change = |event| Change {
        state: rules::step(&was.state, event, NOW, START_MS).unwrap(),
        ..Change::none(&was)
    };
    let write = |change: &Change| ready(workspaces::change(&db, &was, change, NOW, &Written::default())).unwrap();
    assert!(write(&change(Event::Stop)));
    assert!(!write(&change(Event::Delete)));
    assert_eq!(found(&db, 1).state.status, Status::Stopping);
}

#[test]
fn a_credential_ends_with_its_workspace() {
    let db = migrated();
    let row = row(1, 1, 1);
    assert!(
        ready(workspaces::insert(
            &db,
            &row,
            Some(vec![1, 2]),
            CAPS,
            &Written::default()
        ))
        .unwrap()
    );
    assert_eq!(ready(workspaces::credential(&db, row.id)).unwrap(), Some(vec![1, 2]));
    let wishes = ready(wanted::wishes(&db, id(1))).unwrap();
    assert!(wishes[0].repository.as_ref().unwrap().has_credential);
    wish(&db, 1, Event::NodeForgotten, NOW);
    assert_eq!(ready(workspaces::credential(&db, row.id)).unwrap(), None);
}
