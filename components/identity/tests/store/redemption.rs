//! Redeeming links: races, and a crash at every statement.

use futures::executor::block_on as ready;
use sam_contract::error::ErrorCode;
use sam_contract::ids::Id;
use sam_domain::links::{Introduction, Link, Purpose};
use sam_domain::secrets;
use sam_domain::users::{Role, Status};
use sam_identity::redemption::{Entered, Visit, enter};
use sam_identity::store::links::{self, LinkRow};
use sam_identity::store::{sessions, users};
use sam_kit::error::ApiError;
use sam_kit::native::NativeDb;

use super::{NOW, decide, id, migrated, number, user};

/// Keeps a link and returns its secret.
fn link(db: &NativeDb, n: u8, purpose: Purpose, user_id: Option<sam_contract::ids::UserId>) -> String {
    let secret = secrets::opaque([n; 32]);
    let row = LinkRow {
        id: id(n),
        user_id,
        link: Link {
            purpose,
            role: Role::User,
            expires_at: NOW + 1_000,
            used_at: None,
        },
        note: None,
        created_by: None,
        created_at: NOW,
    };
    ready(links::insert(db, &row, secrets::opaque_hash(&secret).unwrap())).unwrap();
    secret
}

/// Comes in with a link; `n` tells attempts apart.
fn come(db: &NativeDb, token: &str, name: Option<&str>, n: u8) -> Result<Entered, ApiError> {
    let visit = Visit {
        token,
        who: Introduction { name, email: None },
        user_agent: "test",
        session_secret: &secrets::opaque([100 + n; 32]),
        expires_at: NOW + 5_000,
        require_approval: true,
        now: NOW,
        request: Id::from_parts(NOW, u128::from(n)),
    };
    ready(enter(db, &visit))
}

#[test]
fn an_invited_person_comes_in_once() {
    let db = migrated();
    let token = link(&db, 1, Purpose::Invite, None);
    assert_eq!(
        come(&db, &token, None, 1).unwrap_err().code,
        ErrorCode::BadRequest,
        "no name"
    );
    let ada = come(&db, &token, Some("Ada"), 2).unwrap();
    assert_eq!(
        (ada.user.name.as_str(), ada.user.standing.status),
        ("Ada", Status::Pending)
    );
    assert_eq!(
        come(&db, &token, Some("Eve"), 3).unwrap_err().code,
        ErrorCode::Unauthorized
    );
    assert_eq!(number(&db, "SELECT count(*) AS n FROM users"), 1);
    assert_eq!(number(&db, "SELECT count(*) AS n FROM sessions"), 1);
    assert_eq!(
        super::texts(&db, "SELECT kind AS t FROM events"),
        ["user.joined", "session.started"]
    );
}

#[test]
fn links_that_do_not_exist() {
    let db = migrated();
    for token in ["", "guess", &secrets::opaque([9; 32]), &secrets::api_token([9; 32])] {
        assert_eq!(
            come(&db, token, Some("Eve"), 1).unwrap_err().code,
            ErrorCode::Unauthorized,
            "{token}"
        );
    }
}

#[test]
fn a_first_run_that_comes_second_signs_the_operator_in() {
    let db = migrated();
    let (first, second) = (
        link(&db, 1, Purpose::FirstRun, None),
        link(&db, 2, Purpose::FirstRun, None),
    );
    let root = come(&db, &first, None, 1).unwrap().user;
    assert_eq!(
        (root.standing.role, root.standing.status),
        (Role::Superadmin, Status::Active)
    );
    assert_eq!(come(&db, &second, Some("Other"), 2).unwrap().user, root);
    assert_eq!(number(&db, "SELECT count(*) AS n FROM users"), 1);
}

#[test]
fn a_suspended_user_does_not_come_in_by_a_link_made_before() {
    use sam_domain::users::Decision;
    let db = migrated();
    user(&db, 1, Role::Superadmin, Status::Active);
    let ada = user(&db, 2, Role::User, Status::Active);
    let token = link(&db, 3, Purpose::Device, Some(ada.id));
    decide(&db, &ada, true, Decision::Suspend(None)).unwrap();
    assert_eq!(come(&db, &token, None, 1).unwrap_err().code, ErrorCode::Forbidden);
    assert_eq!(number(&db, "SELECT count(*) AS n FROM sessions"), 0);
}

/// Whatever statement a crash hits, and whether it took effect or not: afterwards there is at most one user of the
/// link, and either the link still brings them in, or it was used up with their session in place.
#[test]
fn a_crash_at_any_statement_locks_nobody_out() {
    for purpose in [Purpose::Invite, Purpose::FirstRun] {
        let whole = migrated();
        let before = whole.statements();
        come(&whole, &link(&whole, 1, purpose, None), Some("Ada"), 1).unwrap();
        let statements = whole.statements() - before;
        assert!(
            statements > 5,
            "{statements} statements cannot make a user, a session and use a link up"
        );
        for at in 0..statements {
            for took_effect in [false, true] {
                let db = migrated();
                let token = link(&db, 1, purpose, None);
                db.crash_at(at, took_effect);
                let crashed = come(&db, &token, Some("Ada"), 1);
                db.restart();
                let again = come(&db, &token, Some("Ada"), 2);
                let case = format!("{purpose:?}: statement {at}, took effect: {took_effect}");
                let people = number(&db, "SELECT count(*) AS n FROM users");
                assert_eq!(people, 1, "{case}");
                let found = ready(users::find(&db, id(1))).unwrap().unwrap();
                let live = ready(sessions::list(&db, (found.account_id, found.id), NOW)).unwrap();
                assert!(!live.is_empty(), "{case}: no session");
                if let Err(error) = again {
                    assert_eq!(error.code, ErrorCode::Unauthorized, "{case}");
                    let used = crashed.is_ok() || number(&db, "SELECT used_at IS NOT NULL AS n FROM login_links") == 1;
                    assert!(used, "{case}: refused although the link is open: {error}");
                }
            }
        }
    }
}
