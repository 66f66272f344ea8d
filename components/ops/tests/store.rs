//! The SQL of operations against the real schema.
#![cfg(test)]

use futures::executor::block_on;
use sam_contract::audit::{AuditAction, AuditOutcome};
use sam_contract::http::admin::AuditQuery;
use sam_contract::ids::{AccountId, Id, RequestId, UserId};
use sam_contract::queues::AUDIT;
use sam_domain::audit::{Broken, Row as Sealable, Sound, Verifier};
use sam_domain::effects::Effects;
use sam_kit::audit::{Entry, append};
use sam_kit::db::{Db, Row};
use sam_kit::effects::{Cause, write};
use sam_kit::jobs::{Done, claim, complete, fail};
use sam_kit::native::NativeDb;
use sam_kit::params;
use sam_ops::store::{audit, events, jobs, prune};

fn core() -> NativeDb {
    NativeDb::migrated("default").unwrap()
}

fn did(db: &NativeDb, at: i64, action: AuditAction, actor: Option<UserId>) {
    let entry = Entry {
        at,
        actor,
        account: None,
        action,
        target: Some("t".repeat(100)),
        request_id: RequestId::from_parts(at, 1),
        outcome: AuditOutcome::Done,
    };
    block_on(append(db, &entry)).unwrap();
}

fn verify(db: &NativeDb) -> Result<Sound, Broken> {
    let rows = block_on(db.query("SELECT * FROM audit_log ORDER BY seq", params![])).unwrap();
    let mut verifier = Verifier::default();
    for row in &rows {
        let text = |column| row.get::<Option<String>>(column).unwrap();
        let (actor, account, target, request) = (
            text("actor_user_id"),
            text("account_id"),
            text("target"),
            text("request_id"),
        );
        let (action, outcome) = (text("action").unwrap(), text("outcome").unwrap());
        let sealable = Sealable {
            seq: row.get("seq").unwrap(),
            at: row.get("at").unwrap(),
            actor_user_id: actor.as_deref(),
            account_id: account.as_deref(),
            action: &action,
            target: target.as_deref(),
            request_id: request.as_deref(),
            outcome: &outcome,
        };
        let hashes = |row: &Row| {
            Some((
                row.get::<[u8; 32]>("prev_hash").ok()?,
                row.get::<[u8; 32]>("hash").ok()?,
            ))
        };
        verifier.row(&sealable, hashes(row))?;
    }
    Ok(verifier.finish())
}

fn counts(db: &NativeDb) -> (u64, u64) {
    let sound = verify(db).unwrap();
    (sound.sealed, sound.unsealed)
}

#[test]
fn rows_bring_their_sealing_along_and_form_a_chain() {
    let db = core();
    for at in 0..7 {
        did(&db, at, AuditAction::Login, None);
    }
    assert_eq!(counts(&db), (0, 7));
    assert_eq!(block_on(jobs::due(&db, 999)).unwrap(), [""; 0]);
    assert_eq!(block_on(jobs::due(&db, 1_000)).unwrap(), ["audit"]);

    let job = block_on(claim(&db, &AUDIT, 1_000)).unwrap().unwrap();
    assert_eq!(block_on(audit::seal_batch(&db, 5)).unwrap(), 5);
    assert_eq!(counts(&db), (5, 2));
    did(&db, 1_000, AuditAction::Logout, None); // while the sealer is at work
    assert_eq!(block_on(audit::seal_batch(&db, 5)).unwrap(), 3);
    assert_eq!(block_on(audit::seal_batch(&db, 5)).unwrap(), 0);
    assert_eq!(counts(&db), (8, 0));
    assert!(block_on(complete(&db, &job, Done::Finished, 1_001)).unwrap());
    assert_eq!(
        block_on(jobs::due(&db, 1_001)).unwrap(),
        ["audit"],
        "a row came while the job was held"
    );
}

#[test]
fn a_change_in_the_database_is_found() {
    let db = core();
    for at in 0..5 {
        did(&db, at, AuditAction::Login, None);
    }
    block_on(audit::seal_batch(&db, 100)).unwrap();
    block_on(db.query("UPDATE audit_log SET outcome = 'refused' WHERE seq = 3", params![])).unwrap();
    assert_eq!(verify(&db), Err(Broken::Changed { seq: 3 }));
    block_on(db.query("DELETE FROM audit_log WHERE seq = 3", params![])).unwrap();
    assert_eq!(verify(&db), Err(Broken::Unlinked { seq: 4, after: 2 }));
}

#[test]
fn the_audit_list_pages_and_filters() {
    let db = core();
    let actor = UserId::from_parts(1, 7);
    for at in 0..5 {
        did(
            &db,
            at,
            if at % 2 == 0 {
                AuditAction::Login
            } else {
                AuditAction::Logout
            },
            (at < 2).then_some(actor),
        );
    }
    let check = |query: AuditQuery, before: i64, rows: u32, expect: &[i64]| {
        let found = block_on(audit::list(&db, &query, before, rows)).unwrap();
        assert_eq!(
            found.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
            expect,
            "{query:?}"
        );
        assert!(
            found
                .iter()
                .all(|entry| entry.target.as_ref().unwrap().len() == 64 && !entry.sealed)
        );
    };
    check(AuditQuery::default(), i64::MAX, 2, &[5, 4, 3]);
    check(AuditQuery::default(), 4, 2, &[3, 2, 1]);
    check(
        AuditQuery {
            action: Some(AuditAction::Logout),
            ..AuditQuery::default()
        },
        i64::MAX,
        9,
        &[4, 2],
    );
    check(
        AuditQuery {
            actor: Some(actor),
            ..AuditQuery::default()
        },
        i64::MAX,
        9,
        &[2, 1],
    );
}

#[test]
fn queues_tell_how_they_fare_and_parked_jobs_can_be_retried() {
    let db = core();
    did(&db, 0, AuditAction::Login, None);
    let health = |now| {
        block_on(jobs::health(&db, now))
            .unwrap()
            .into_iter()
            .find(|q| q.queue == "audit")
            .unwrap()
    };
    let told = health(61_000);
    assert_eq!(
        (told.depth, told.oldest_age_ms, told.last_success_at, told.dead),
        (1, Some(60_000), None, 0)
    );

    let mut now = 1_000;
    while health(now).dead == 0 {
        let Some(job) = block_on(claim(&db, &AUDIT, now)).unwrap() else {
            now += AUDIT.backoff_ms_max;
            continue;
        };
        assert!(block_on(fail(&db, &AUDIT, &job, "no such luck", now)).unwrap());
    }
    let parked = block_on(jobs::parked(&db, "~", 10)).unwrap();
    let [letter] = parked.as_slice() else {
        panic!("{parked:?}")
    };
    assert_eq!(
        (letter.queue.as_str(), letter.attempts, letter.cause.as_str()),
        ("audit", AUDIT.attempts_max, "no such luck")
    );
    assert_eq!(block_on(jobs::due(&db, now + 1_000_000)).unwrap(), [""; 0]);

    assert_eq!(
        block_on(jobs::retry(&db, letter.id, now)).unwrap().as_deref(),
        Some("audit")
    );
    assert_eq!(
        block_on(jobs::retry(&db, letter.id, now)).unwrap(),
        None,
        "it is not parked any more"
    );
    let job = block_on(claim(&db, &AUDIT, now)).unwrap().unwrap();
    assert!(block_on(complete(&db, &job, Done::Finished, now)).unwrap());
    let told = health(now);
    assert_eq!((told.depth, told.last_success_at, told.dead), (0, Some(now), 0));

    block_on(prune::done_jobs(&db, now)).unwrap();
    assert_eq!(health(now).last_success_at, Some(now), "too new to be deleted");
    block_on(prune::done_jobs(&db, now + 1)).unwrap();
    assert_eq!(health(now).last_success_at, None);
}

#[test]
fn accounts_see_their_own_events_and_administrators_also_those_of_users() {
    let db = core();
    let [mine, other] = [1, 2].map(|n| AccountId::from_parts(1, n));
    for (n, (account, kind)) in [
        (mine, "token.created"),
        (other, "token.created"),
        (other, "user.approved"),
        (mine, "user.renamed"),
    ]
    .into_iter()
    .enumerate()
    {
        let cause = Cause {
            now: 1,
            account,
            actor: None,
            request: None,
        };
        let written = write(&Effects::event(kind, 1, vec![("n", (n as i64).into())]), &cause).unwrap();
        let sql = "INSERT INTO accounts (id, kind, name, created_at, effects) VALUES (?1, 'personal', 'a', 1, ?2)";
        block_on(db.query(sql, params![n.to_string(), written.column()])).unwrap();
    }
    let check = |sees_users, after, rows, expect: &[i64]| {
        let found = block_on(events::after(&db, mine, sees_users, after, rows)).unwrap();
        assert_eq!(found.iter().map(|event| event.seq).collect::<Vec<_>>(), expect);
    };
    check(false, 0, 10, &[1, 4]);
    check(true, 0, 10, &[1, 3, 4]);
    check(true, 1, 1, &[3]);
    check(true, 4, 10, &[]);
    assert_eq!(block_on(events::newest(&db)).unwrap(), 4);
    let first = block_on(events::after(&db, mine, false, 0, 1)).unwrap().remove(0);
    assert_eq!(
        (first.kind.as_str(), first.payload),
        ("token.created", serde_json::json!({ "n": 0 }))
    );
}
