//! Jobs against the real tables and triggers: whatever crashes whenever, an idempotent step takes effect exactly once,
//! and one poisoned job delays nobody else.
#![cfg(test)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use futures::executor::block_on;
use proptest::prelude::*;
use sam_contract::http::work::Worked;
use sam_contract::ids::{AccountId, Id, JobId};
use sam_contract::queues::Queue;
use sam_domain::effects::{Effects, NewJob};
use sam_kit::db::Db;
use sam_kit::effects::{Cause, write};
use sam_kit::error::ApiError;
use sam_kit::jobs::{Budget, Done, claim, complete, ensure, fail, work};
use sam_kit::native::NativeDb;
use sam_kit::params;

const QUEUE: Queue = Queue {
    name: "test",
    component: "test",
    lease_ms: 1_000,
    attempts_max: 3,
    backoff_ms: 100,
    backoff_ms_max: 400,
    sentence: "A test.",
};

/// So patient that random crashes park nothing.
const PATIENT: Queue = Queue {
    attempts_max: 100_000,
    ..QUEUE
};

const OTHER: Queue = Queue { name: "other", ..QUEUE };

struct World {
    db: NativeDb,
    now: AtomicI64,
}

impl World {
    fn new() -> Self {
        let db = NativeDb::migrated("default").unwrap();
        // What the steps of these tests do; the count of rows is the effect.
        block_on(db.query("CREATE TABLE effect_of (key TEXT PRIMARY KEY) STRICT", params![])).unwrap();
        Self {
            db,
            now: AtomicI64::new(1_000),
        }
    }

    fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    fn advance(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::Relaxed);
    }

    /// Enqueues as components do: a row is written with its effects.
    fn enqueue(&self, queue: &Queue, key: &str) -> Result<(), ApiError> {
        let job = NewJob {
            queue: queue.name,
            kind: "step",
            key: key.to_owned(),
            payload: vec![],
            delay_ms: 0,
        };
        let account: AccountId = sam_kit::ids::new()?;
        let cause = Cause {
            now: self.now(),
            account,
            actor: None,
            request: None,
        };
        let written = write(&Effects::job(job), &cause)?;
        let sql = "INSERT INTO accounts (id, kind, name, created_at, effects) VALUES (?1, 'personal', 'a', ?2, ?3)";
        block_on(self.db.query(sql, params![account, self.now(), written.column()]))?;
        Ok(())
    }

    fn work(&self, queue: &Queue, poison: Option<&str>) -> Result<Worked, ApiError> {
        let step = async |job: sam_kit::jobs::Job| {
            if poison == Some(job.key.as_str()) {
                return Err(ApiError::internal("poisoned"));
            }
            let sql = "INSERT INTO effect_of (key) VALUES (?1) ON CONFLICT (key) DO NOTHING";
            self.db.query(sql, params![&job.key]).await?;
            Ok(Done::Finished)
        };
        block_on(work(&self.db, queue, Budget::default(), || self.now(), step))
    }

    fn texts(&self, sql: &str) -> Vec<String> {
        let rows = block_on(self.db.query(sql, params![])).unwrap();
        rows.iter().map(|row| row.get("it").unwrap()).collect()
    }

    fn effects(&self) -> Vec<String> {
        self.texts("SELECT key AS it FROM effect_of ORDER BY key")
    }
}

#[derive(Debug, Clone)]
enum Move {
    Enqueue(u8),
    /// Work, and die at this statement, before or after it took effect.
    Crash(usize, bool),
    Work,
    /// A worker that claims and is never heard of again until much later, when it completes after all.
    Stall,
    Advance(i64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        3 => (0..6_u8).prop_map(Move::Enqueue),
        3 => (0..12_usize, any::<bool>()).prop_map(|(at, took)| Move::Crash(at, took)),
        2 => Just(Move::Work),
        1 => Just(Move::Stall),
        2 => (1..2_000_i64).prop_map(Move::Advance),
    ];
    prop::collection::vec(one, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn effects_are_exactly_once_whatever_crashes(moves in moves()) {
        let world = World::new();
        let mut wanted = BTreeSet::new();
        let mut stalled = Vec::new();
        for step in moves {
            match step {
                Move::Enqueue(n) => {
                    let key = format!("k{n}");
                    world.enqueue(&PATIENT, &key).unwrap();
                    wanted.insert(key);
                }
                Move::Crash(at, took_effect) => {
                    world.db.crash_at(at, took_effect);
                    let _ = world.work(&PATIENT, None);
                    world.db.restart();
                }
                Move::Work => drop(world.work(&PATIENT, None).unwrap()),
                Move::Stall => stalled.extend(block_on(claim(&world.db, &PATIENT, world.now())).unwrap()),
                Move::Advance(ms) => world.advance(ms),
            }
        }
        world.advance(10_000);
        world.work(&PATIENT, None).unwrap();
        // Those that come back from the dead hold leases that ran out: nothing they say counts.
        for job in &stalled {
            prop_assert!(!block_on(complete(&world.db, job, Done::Finished, world.now())).unwrap());
            prop_assert!(!block_on(fail(&world.db, &PATIENT, job, "late", world.now())).unwrap());
        }
        prop_assert_eq!(world.effects(), Vec::from_iter(wanted));
        let open = world.texts("SELECT key AS it FROM jobs WHERE done_at IS NULL");
        prop_assert_eq!(open, Vec::<String>::new());
    }
}

#[test]
fn a_poisoned_job_delays_nobody_and_is_parked_with_its_cause() {
    let world = World::new();
    for key in ["a", "poison", "z"] {
        world.enqueue(&QUEUE, key).unwrap();
        world.enqueue(&OTHER, &format!("other-{key}")).unwrap();
    }
    // At the same moment: its own queue goes on behind it, the other queue knows nothing of it.
    assert_eq!(
        world.work(&QUEUE, Some("poison")).unwrap(),
        Worked {
            done: 2,
            failed: 1,
            more: false
        }
    );
    assert_eq!(
        world.work(&OTHER, Some("poison")).unwrap(),
        Worked {
            done: 3,
            failed: 0,
            more: false
        }
    );
    assert_eq!(world.effects(), ["a", "other-a", "other-poison", "other-z", "z"]);
    for _ in 1..QUEUE.attempts_max {
        world.advance(QUEUE.backoff_ms_max);
        assert_eq!(world.work(&QUEUE, Some("poison")).unwrap().failed, 1);
    }
    world.advance(1_000_000);
    assert_eq!(world.work(&QUEUE, Some("poison")).unwrap(), Worked::default());
    let parked = world.texts("SELECT key || ': ' || last_error AS it FROM jobs WHERE parked_at IS NOT NULL");
    assert_eq!(parked, ["poison: poisoned"]);
}

#[test]
fn a_job_that_kills_its_worker_is_parked_too() {
    let world = World::new();
    world.enqueue(&QUEUE, "killer").unwrap();
    for _ in 0..QUEUE.attempts_max {
        assert!(block_on(claim(&world.db, &QUEUE, world.now())).unwrap().is_some());
        world.advance(QUEUE.lease_ms);
    }
    assert_eq!(
        world.work(&QUEUE, None).unwrap(),
        Worked {
            done: 0,
            failed: 1,
            more: false
        }
    );
    let parked = world.texts("SELECT last_error AS it FROM jobs WHERE parked_at IS NOT NULL");
    assert_eq!(parked, ["the worker ended without a result 3 times"]);
    assert_eq!(world.effects(), [""; 0]);
}

#[test]
fn a_lease_that_ran_out_completes_and_fails_nothing() {
    let world = World::new();
    world.enqueue(&QUEUE, "k").unwrap();
    let lost = block_on(claim(&world.db, &QUEUE, world.now())).unwrap().unwrap();
    assert_eq!(
        block_on(claim(&world.db, &QUEUE, world.now())).unwrap(),
        None,
        "it is held"
    );
    world.advance(QUEUE.lease_ms);
    let held = block_on(claim(&world.db, &QUEUE, world.now())).unwrap().unwrap();
    assert_eq!((held.id, held.attempt), (lost.id, 2));
    assert!(!block_on(complete(&world.db, &lost, Done::Finished, world.now())).unwrap());
    assert!(!block_on(fail(&world.db, &QUEUE, &lost, "late", world.now())).unwrap());
    assert!(block_on(complete(&world.db, &held, Done::Finished, world.now())).unwrap());
}

#[test]
fn what_is_enqueued_while_held_runs_again_and_what_is_enqueued_before_does_not() {
    let world = World::new();
    world.enqueue(&QUEUE, "k").unwrap();
    world.enqueue(&QUEUE, "k").unwrap();
    let job = block_on(claim(&world.db, &QUEUE, world.now())).unwrap().unwrap();
    world.enqueue(&QUEUE, "k").unwrap();
    assert!(block_on(complete(&world.db, &job, Done::Finished, world.now())).unwrap());
    let again = block_on(claim(&world.db, &QUEUE, world.now()))
        .unwrap()
        .expect("news arrived while it was held");
    assert!(block_on(complete(&world.db, &again, Done::Finished, world.now())).unwrap());
    assert_eq!(block_on(claim(&world.db, &QUEUE, world.now())).unwrap(), None);
}

#[test]
fn a_recurring_job_comes_back_and_exists_once() {
    let world = World::new();
    for _ in 0..3 {
        block_on(ensure(&world.db, &QUEUE, "tick", world.now())).unwrap();
    }
    let job = block_on(claim(&world.db, &QUEUE, world.now())).unwrap().unwrap();
    assert!(block_on(complete(&world.db, &job, Done::AgainIn(500), world.now())).unwrap());
    assert_eq!(block_on(claim(&world.db, &QUEUE, world.now() + 499)).unwrap(), None);
    let again = block_on(claim(&world.db, &QUEUE, world.now() + 500)).unwrap().unwrap();
    assert_eq!((again.id, again.attempt), (job.id, 1));
}

#[test]
fn a_state_change_whose_effects_cannot_be_written_does_not_happen() {
    let world = World::new();
    let id = JobId::from_parts(0, 0);
    let effects = format!(r#"{{"jobs":[{{"id":"{id}","queue":"q","kind":"k","key":"k","payload":{{}},"at":1}}]}}"#);
    let sql = "INSERT INTO accounts (id, kind, name, created_at, effects) VALUES ('a', 'personal', 'a', 1, ?1)";
    let error = block_on(world.db.query(sql, params![effects])).unwrap_err();
    assert_eq!(error.to_string(), "NOT NULL constraint failed: jobs.run_at");
    assert_eq!(world.texts("SELECT id AS it FROM accounts"), [""; 0]);
}
