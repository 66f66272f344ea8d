//! The SQL of identity against a real SQLite with the real migrations: owners, races, crashes, effects.
#![cfg(test)]

mod redemption;

use futures::executor::block_on as ready;
use sam_contract::ids::{ApiTokenId, Id, LoginLinkId, SessionId, UserId};
use sam_domain::links::{Link, NewUser, Purpose};
use sam_domain::tokens::{Grant, Scope};
use sam_domain::users::{self, Actor, Decision, Role, Standing, Status};
use sam_identity::store::links::{self, LinkRow};
use sam_identity::store::sessions::{self, SessionRow};
use sam_identity::store::tokens::{self, TokenRow};
use sam_identity::store::users::{self as rows, ProfileChange, UserRow};
use sam_kit::db::Db;
use sam_kit::effects::{Cause, Written, write};
use sam_kit::native::NativeDb;
use sam_kit::params;

/// Nothing happens before.
const NOW: i64 = 1_000_000;

fn migrated() -> NativeDb {
    NativeDb::migrated("default").unwrap()
}

/// The column `n` of the only row.
fn number(db: &NativeDb, sql: &str) -> i64 {
    ready(db.row(sql, params![])).unwrap().unwrap().get("n").unwrap()
}

/// The column `t` of every row.
fn texts(db: &NativeDb, sql: &str) -> Vec<String> {
    ready(db.query(sql, params![]))
        .unwrap()
        .iter()
        .map(|row| row.get("t").unwrap())
        .collect()
}

fn id<T: Id>(n: u8) -> T {
    T::from_parts(NOW + i64::from(n), u128::from(n))
}

fn link(n: u8, purpose: Purpose) -> LinkRow {
    LinkRow {
        id: id(n),
        user_id: None,
        link: Link {
            purpose,
            role: Role::User,
            expires_at: NOW + 1_000,
            used_at: None,
        },
        note: Some(format!("link {n}")),
        created_by: None,
        created_at: NOW,
    }
}

fn keep(db: &NativeDb, row: &LinkRow) -> LoginLinkId {
    let n = row
        .note
        .as_deref()
        .unwrap_or_default()
        .bytes()
        .next_back()
        .unwrap_or_default();
    ready(links::insert(db, row, [n; 32])).unwrap();
    row.id
}

fn new_user(name: &str, role: Role, status: Status) -> NewUser {
    NewUser {
        name: name.to_owned(),
        email: None,
        role,
        status,
    }
}

/// A user who came in with link `n`.
fn user(db: &NativeDb, n: u8, role: Role, status: Status) -> UserRow {
    let link = keep(db, &link(n, Purpose::Invite));
    let new = new_user(&format!("user {n}"), role, status);
    let made = ready(rows::make(db, link, &new, NOW + i64::from(n), &Written::default()))
        .unwrap()
        .unwrap();
    assert!(ready(links::consume(db, link, made.id, NOW)).unwrap());
    made
}

fn session(n: u8, expires_at: i64) -> SessionRow {
    SessionRow {
        id: id(n),
        user_agent: "test".to_owned(),
        created_at: NOW,
        last_seen_at: NOW,
        expires_at,
    }
}

fn begin(db: &NativeDb, owner: &UserRow, n: u8) -> SessionId {
    let session = session(n, NOW + 1_000);
    assert!(
        ready(sessions::insert(
            db,
            (owner.account_id, owner.id),
            &session,
            [n; 32],
            &Written::default(),
        ))
        .unwrap()
    );
    session.id
}

fn token(n: u8, expires_at: Option<i64>) -> TokenRow {
    TokenRow {
        id: id(n),
        grant: Grant {
            name: format!("token {n}"),
            scopes: vec![Scope::Read, Scope::Write],
            expires_at,
        },
        prefix: "sam_abcdef".to_owned(),
        created_at: NOW,
        last_used_at: None,
    }
}

fn mint(db: &NativeDb, owner: &UserRow, n: u8) -> ApiTokenId {
    let (owner, token) = ((owner.account_id, owner.id), token(n, None));
    assert!(ready(tokens::insert(db, owner, &token, [n; 32], 50, &Written::default())).unwrap());
    token.id
}

#[test]
fn a_link_is_used_up_once() {
    let db = migrated();
    let root = user(&db, 1, Role::Superadmin, Status::Active);
    let open = keep(&db, &link(2, Purpose::Device));
    assert_eq!(ready(links::find(&db, [b'2'; 32])).unwrap().unwrap().link.used_at, None);
    assert!(
        !ready(links::consume(&db, open, root.id, NOW + 1_000)).unwrap(),
        "expired at its border"
    );
    assert!(ready(links::consume(&db, open, root.id, NOW + 999)).unwrap());
    assert!(
        !ready(links::consume(&db, open, root.id, NOW + 999)).unwrap(),
        "a second time"
    );
    let used = ready(links::find(&db, [b'2'; 32])).unwrap().unwrap();
    assert_eq!((used.link.used_at, used.user_id), (Some(NOW + 999), Some(root.id)));
    assert_eq!(ready(links::find(&db, [9; 32])).unwrap(), None);
}

#[test]
fn making_a_user_again_after_a_crash_finds_the_first() {
    let db = migrated();
    let link = keep(&db, &link(1, Purpose::Invite));
    let make = |name| {
        ready(rows::make(
            &db,
            link,
            &new_user(name, Role::User, Status::Pending),
            NOW,
            &Written::default(),
        ))
    };
    let first = make("Ada").unwrap().unwrap();
    let again = make("Eve").unwrap().unwrap();
    assert_eq!(first, again);
    assert_eq!(again.name, "Ada");
    for table in ["accounts", "users", "identities"] {
        assert_eq!(number(&db, &format!("SELECT count(*) AS n FROM {table}")), 1, "{table}");
    }
}

#[test]
fn a_used_or_expired_link_makes_nobody() {
    let db = migrated();
    let root = user(&db, 1, Role::Superadmin, Status::Active);
    let used = keep(&db, &link(2, Purpose::Invite));
    assert!(ready(links::consume(&db, used, root.id, NOW)).unwrap());
    let late = keep(&db, &link(3, Purpose::Invite));
    let eve = new_user("Eve", Role::User, Status::Active);
    for (link, now) in [(used, NOW), (late, NOW + 1_000), (id(9), NOW)] {
        assert_eq!(
            ready(rows::make(&db, link, &eve, now, &Written::default())).unwrap(),
            None
        );
    }
    assert_eq!(number(&db, "SELECT count(*) AS n FROM users"), 1);
    assert_eq!(number(&db, "SELECT count(*) AS n FROM accounts"), 1);
}

#[test]
fn only_one_first_run_makes_a_superadmin() {
    let db = migrated();
    let first = keep(&db, &link(1, Purpose::FirstRun));
    let second = keep(&db, &link(2, Purpose::FirstRun));
    let root = new_user("Operator", Role::Superadmin, Status::Active);
    let made = ready(rows::make(&db, first, &root, NOW, &Written::default()))
        .unwrap()
        .unwrap();
    assert_eq!(
        ready(rows::make(&db, second, &root, NOW, &Written::default())).unwrap(),
        None
    );
    assert_eq!(ready(rows::operator(&db)).unwrap(), Some(made));
    assert_eq!(number(&db, "SELECT count(*) AS n FROM users"), 1);
}

/// What the handler does: decide about the row as read, write it with its effects.
fn decide(db: &NativeDb, was: &UserRow, remains: bool, decision: Decision) -> Option<UserRow> {
    let by = Actor {
        role: Role::Superadmin,
        is_self: false,
        user: was.id.to_string(),
        superadmin_remains: remains,
    };
    let (next, effects) = users::step(&was.standing, &by, decision, NOW + 5).unwrap();
    let cause = Cause {
        now: NOW + 5,
        account: was.account_id,
        actor: None,
        request: None,
    };
    let written = write(&effects, &cause).unwrap();
    ready(rows::decide(
        db,
        was,
        &next,
        users::takes_power(&was.standing, &next),
        &written,
    ))
    .unwrap()
}

#[test]
fn a_decision_and_its_effects_are_one_write() {
    let db = migrated();
    user(&db, 1, Role::Superadmin, Status::Active);
    let ada = user(&db, 2, Role::User, Status::Active);
    let suspended = decide(&db, &ada, true, Decision::Suspend(Some("left".to_owned()))).unwrap();
    let expected = Standing {
        role: Role::User,
        status: Status::Suspended,
        reason: Some("left".to_owned()),
        updated_at: NOW + 5,
    };
    assert_eq!((suspended.standing, suspended.version), (expected, ada.version + 1));
    assert_eq!(
        texts(&db, "SELECT queue || ' ' || kind AS t FROM jobs"),
        ["identity revoke-credentials"]
    );
    assert_eq!(texts(&db, "SELECT kind AS t FROM events"), ["user.suspended"]);
}

#[test]
fn of_two_decisions_about_one_version_one_is_written() {
    let db = migrated();
    user(&db, 1, Role::Superadmin, Status::Active);
    let ada = user(&db, 2, Role::User, Status::Pending);
    assert!(decide(&db, &ada, true, Decision::Approve).is_some());
    assert!(decide(&db, &ada, true, Decision::Suspend(None)).is_none());
    assert_eq!(texts(&db, "SELECT kind AS t FROM events"), ["user.approved"]);
    assert_eq!(
        number(&db, "SELECT count(*) AS n FROM jobs"),
        0,
        "what was not written has no effects"
    );
}

/// Both decided while the other still was one; only the statement itself can see that.
#[test]
fn two_superadmins_cannot_demote_each_other_at_once() {
    let db = migrated();
    let (ada, bob) = (
        user(&db, 1, Role::Superadmin, Status::Active),
        user(&db, 2, Role::Superadmin, Status::Active),
    );
    assert!(ready(rows::superadmin_remains(&db, ada.id)).unwrap());
    assert!(decide(&db, &ada, true, Decision::SetRole(Role::User)).is_some());
    assert!(decide(&db, &bob, true, Decision::SetRole(Role::User)).is_none());
    assert!(!ready(rows::superadmin_remains(&db, bob.id)).unwrap());
    assert_eq!(ready(rows::operator(&db)).unwrap().map(|row| row.id), Some(bob.id));
}

#[test]
fn profiles_change_by_field() {
    let db = migrated();
    let ada = user(&db, 1, Role::User, Status::Active);
    let check = |change: ProfileChange, name: &str, email: Option<&str>| {
        let row = ready(rows::change_profile(&db, ada.id, &change, NOW, &Written::default()))
            .unwrap()
            .unwrap();
        assert_eq!((row.name.as_str(), row.email.as_deref()), (name, email), "{change:?}");
    };
    let email = |email: Option<&str>| Some(email.map(str::to_owned));
    check(
        ProfileChange {
            name: None,
            email: email(Some("ada@example.org")),
        },
        "user 1",
        Some("ada@example.org"),
    );
    check(
        ProfileChange {
            name: Some("Ada".to_owned()),
            email: None,
        },
        "Ada",
        Some("ada@example.org"),
    );
    check(
        ProfileChange {
            name: None,
            email: email(None),
        },
        "Ada",
        None,
    );
    let nobody: UserId = id(9);
    let change = ProfileChange::default();
    assert_eq!(
        ready(rows::change_profile(&db, nobody, &change, NOW, &Written::default())).unwrap(),
        None
    );
}

#[test]
fn users_are_listed_in_pages_newest_first() {
    let db = migrated();
    let mut made: Vec<_> = (1..=5).map(|n| user(&db, n, Role::User, Status::Active).id).collect();
    let pending = user(&db, 6, Role::User, Status::Pending).id;
    made.push(pending);
    made.reverse();
    let mut seen = Vec::new();
    let mut place = None;
    loop {
        let page = ready(rows::list(&db, None, place, 2)).unwrap();
        let Some(last) = page.last() else { break };
        place = Some((last.created_at, last.id));
        seen.extend(page.iter().map(|row| row.id));
    }
    assert_eq!(seen, made);
    let waiting = ready(rows::list(&db, Some(Status::Pending), None, 9)).unwrap();
    assert_eq!(waiting.iter().map(|row| row.id).collect::<Vec<_>>(), [pending]);
}

#[test]
fn nobody_sees_or_ends_what_is_anothers() {
    let db = migrated();
    let (ada, bob) = (
        user(&db, 1, Role::User, Status::Active),
        user(&db, 2, Role::Superadmin, Status::Active),
    );
    let (hers, his) = ((ada.account_id, ada.id), (bob.account_id, bob.id));
    let (session, token) = (begin(&db, &ada, 3), mint(&db, &ada, 4));
    let none = Written::default();
    // Neither another user, nor the right user in another account.
    for stranger in [his, (bob.account_id, ada.id), (ada.account_id, bob.id)] {
        assert!(ready(sessions::list(&db, stranger, NOW)).unwrap().is_empty());
        assert!(ready(tokens::list(&db, stranger, NOW)).unwrap().is_empty());
        assert!(!ready(sessions::revoke(&db, stranger, session, NOW, &none)).unwrap());
        assert!(!ready(tokens::revoke(&db, stranger, token, NOW, &none)).unwrap());
    }
    assert_eq!(ready(sessions::list(&db, hers, NOW)).unwrap().len(), 1);
    let listed = ready(tokens::list(&db, hers, NOW)).unwrap();
    assert_eq!(listed, [self::token(4, None)]);
    assert!(ready(sessions::revoke(&db, hers, session, NOW, &none)).unwrap());
    assert!(
        !ready(sessions::revoke(&db, hers, session, NOW, &none)).unwrap(),
        "it has ended"
    );
    assert!(ready(tokens::revoke(&db, hers, token, NOW, &none)).unwrap());
    assert!(ready(tokens::list(&db, hers, NOW)).unwrap().is_empty());
}

#[test]
fn what_has_expired_is_not_listed() {
    let db = migrated();
    let ada = user(&db, 1, Role::User, Status::Active);
    let owner = (ada.account_id, ada.id);
    begin(&db, &ada, 2);
    let short = token(3, Some(NOW + 10));
    assert!(ready(tokens::insert(&db, owner, &short, [3; 32], 50, &Written::default())).unwrap());
    for (now, expect) in [(NOW + 9, (1, 1)), (NOW + 10, (1, 0)), (NOW + 1_000, (0, 0))] {
        let sessions = ready(sessions::list(&db, owner, now)).unwrap();
        let tokens = ready(tokens::list(&db, owner, now)).unwrap();
        assert_eq!((sessions.len(), tokens.len()), expect, "at {now}");
    }
}

#[test]
fn the_number_of_live_tokens_is_limited_in_the_statement_itself() {
    let db = migrated();
    let ada = user(&db, 1, Role::User, Status::Active);
    let owner = (ada.account_id, ada.id);
    let none = Written::default();
    let insert = |n| ready(tokens::insert(&db, owner, &token(n, None), [n; 32], 2, &none)).unwrap();
    assert_eq!((insert(2), insert(3), insert(4)), (true, true, false));
    assert!(ready(tokens::revoke(&db, owner, id(2), NOW, &none)).unwrap());
    assert!(insert(5), "a revoked one does not count");
}

#[test]
fn a_suspended_user_gets_no_new_credential() {
    let db = migrated();
    user(&db, 1, Role::Superadmin, Status::Active);
    let ada = user(&db, 2, Role::User, Status::Active);
    let owner = (ada.account_id, ada.id);
    decide(&db, &ada, true, Decision::Suspend(None)).unwrap();
    let none = Written::default();
    assert!(!ready(sessions::insert(&db, owner, &session(3, NOW + 10), [3; 32], &none)).unwrap());
    assert!(!ready(tokens::insert(&db, owner, &token(4, None), [4; 32], 50, &none)).unwrap());
}

#[test]
fn a_late_revocation_spares_what_came_after_it() {
    let db = migrated();
    let ada = user(&db, 1, Role::User, Status::Active);
    let owner = (ada.account_id, ada.id);
    begin(&db, &ada, 2);
    mint(&db, &ada, 3);
    let mut device = link(4, Purpose::Device);
    device.user_id = Some(ada.id);
    keep(&db, &device);
    let later = SessionRow {
        created_at: NOW + 6,
        ..session(5, NOW + 1_000)
    };
    assert!(ready(sessions::insert(&db, owner, &later, [5; 32], &Written::default())).unwrap());
    for _ in 0..2 {
        ready(sessions::revoke_all(&db, ada.id, NOW + 5, NOW + 7)).unwrap();
        ready(tokens::revoke_all(&db, ada.id, NOW + 5, NOW + 7)).unwrap();
        ready(links::withdraw_of(&db, ada.id, NOW + 5)).unwrap();
    }
    let left: Vec<_> = ready(sessions::list(&db, owner, NOW + 8))
        .unwrap()
        .into_iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(left, [later.id]);
    assert!(ready(tokens::list(&db, owner, NOW + 8)).unwrap().is_empty());
    assert_eq!(ready(links::find(&db, [b'4'; 32])).unwrap(), None);
}

#[test]
fn invitations_are_listed_and_withdrawn() {
    let db = migrated();
    let root = user(&db, 1, Role::Superadmin, Status::Active);
    let (a, b) = (
        keep(&db, &link(2, Purpose::Invite)),
        keep(&db, &link(3, Purpose::Invite)),
    );
    let device = keep(&db, &link(4, Purpose::Device));
    let list = |after, now| {
        let rows = ready(links::invites(&db, after, 9, now)).unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None, NOW), [b, a], "neither the used one nor another kind");
    assert_eq!(list(Some(b), NOW), [a]);
    assert_eq!(list(None, NOW + 1_000), []);
    assert!(ready(links::withdraw(&db, a)).unwrap());
    assert!(!ready(links::withdraw(&db, a)).unwrap());
    assert!(!ready(links::withdraw(&db, device)).unwrap(), "not an invitation");
    assert!(ready(links::consume(&db, b, root.id, NOW)).unwrap());
    assert!(!ready(links::withdraw(&db, b)).unwrap(), "used");
}

#[test]
fn pruning_keeps_what_lives_and_what_ended_lately() {
    let db = migrated();
    let ada = user(&db, 1, Role::User, Status::Active);
    begin(&db, &ada, 2);
    mint(&db, &ada, 3);
    let count = || {
        number(
            &db,
            "SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM login_links) AS n",
        )
    };
    let prune = |now| {
        ready(sessions::prune(&db, now)).unwrap();
        ready(tokens::prune(&db, now)).unwrap();
        ready(links::prune(&db, now)).unwrap();
    };
    prune(NOW + sam_identity::store::KEEP_ENDED_MS);
    assert_eq!(count(), 2);
    prune(NOW + sam_identity::store::KEEP_ENDED_MS + 1_001);
    assert_eq!(count(), 0);
    assert_eq!(
        number(&db, "SELECT count(*) AS n FROM api_tokens"),
        1,
        "it does not end by itself"
    );
}
