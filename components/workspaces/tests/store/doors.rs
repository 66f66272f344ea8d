//! Tickets and port cookies: once, for one door, as long as their holder may act.

use sam_contract::ids::SessionId;
use sam_workspaces::store::admissions::{self, Door, Holder, NewTicket, Opened};

use super::*;

const TICKET: [u8; 32] = [1; 32];
const COOKIE: [u8; 32] = [2; 32];
const LIVES: (i64, i64) = (NOW, NOW + 60_000);

fn holder() -> Holder {
    Holder {
        account_id: id(1),
        user_id: id(1),
        session_id: Some(id(3)),
        api_token_id: None,
    }
}

/// A workspace, a signed-in user, a ticket to a terminal and a cookie for a port.
fn world() -> (NativeDb, Door) {
    let db = migrated();
    insert(&db, &row(1, 1, 1));
    let sql = "INSERT INTO sessions (id, account_id, user_id, token_hash, user_agent, created_at, last_seen_at, \
        expires_at) VALUES (?, ?, ?, x'00', '', 1, 1, ?)";
    let (session, account, user): (SessionId, AccountId, UserId) = (id(3), id(1), id(1));
    ready(db.query(sql, params![session, account, user, NOW + 1_000_000])).unwrap();
    let door = Door::Terminal(id(4));
    let ticket = NewTicket {
        id: id(5),
        holder: holder(),
        workspace: id(1),
        door,
        read_only: true,
        created_at: LIVES.0,
        expires_at: LIVES.1,
    };
    ready(admissions::insert_ticket(&db, &ticket, TICKET)).unwrap();
    ready(admissions::insert_session(&db, COOKIE, &holder(), id(1), 3000, LIVES)).unwrap();
    (db, door)
}

fn used(db: &NativeDb, workspace: u128, door: Door, now: i64) -> Option<Opened> {
    ready(admissions::use_ticket(db, TICKET, id(workspace), door, now)).unwrap()
}

fn browses(db: &NativeDb, workspace: u128, port: u16, now: i64) -> bool {
    ready(admissions::find_session(db, COOKIE, id(workspace), port, now))
        .unwrap()
        .is_some()
}

#[test]
fn a_ticket_opens_its_door_once() {
    let (db, door) = world();
    assert_eq!(used(&db, 2, door, NOW), None, "another workspace's");
    assert_eq!(used(&db, 1, Door::Terminal(id(9)), NOW), None, "another terminal");
    assert_eq!(used(&db, 1, Door::Port(3000), NOW), None, "a port");
    assert_eq!(used(&db, 1, door, LIVES.1), None, "too late");
    let opened = Opened {
        node_id: id(1),
        holder: holder(),
        read_only: true,
    };
    assert_eq!(used(&db, 1, door, LIVES.1 - 1), Some(opened));
    assert_eq!(used(&db, 1, door, NOW), None, "used");
}

#[test]
fn a_cookie_is_for_one_port_of_one_workspace() {
    let (db, _) = world();
    assert!(browses(&db, 1, 3000, NOW));
    assert!(browses(&db, 1, 3000, NOW), "again and again");
    assert!(!browses(&db, 1, 3001, NOW));
    assert!(!browses(&db, 2, 3000, NOW));
    assert!(!browses(&db, 1, 3000, LIVES.1));
}

#[test]
fn whoever_may_not_act_opens_nothing() {
    let ends = [
        "UPDATE users SET status = 'suspended'",
        "UPDATE sessions SET revoked_at = 1",
        "UPDATE sessions SET expires_at = 1",
        "UPDATE workspaces SET status = 'deleting'",
        "UPDATE workspaces SET status = 'deleted'",
    ];
    for end in ends {
        let (db, door) = world();
        ready(db.query(end, params![])).unwrap();
        assert_eq!(used(&db, 1, door, NOW), None, "{end}");
        assert!(!browses(&db, 1, 3000, NOW), "{end}");
    }
    // The workspace went to another account.
    let (db, door) = world();
    ready(db.query("UPDATE workspaces SET account_id = ?", params![id::<AccountId>(2)])).unwrap();
    assert_eq!(used(&db, 1, door, NOW), None);
    assert!(!browses(&db, 1, 3000, NOW));
}

#[test]
fn what_is_over_is_forgotten() {
    let (db, _) = world();
    ready(admissions::prune(&db, LIVES.1)).unwrap();
    assert_eq!(number(&db, "SELECT count(*) AS n FROM tickets"), 1);
    ready(admissions::prune(&db, LIVES.1 + 1)).unwrap();
    let left = number(
        &db,
        "SELECT (SELECT count(*) FROM tickets) + (SELECT count(*) FROM port_sessions) AS n",
    );
    assert_eq!(left, 0);
}
