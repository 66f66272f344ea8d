//! A workspace and its node, with reports that are lost, repeated and late.

use proptest::prelude::*;

use super::*;

const START_MS: i64 = 1_800_000;

fn word(generation: i64, attempt: i64, seen: Seen) -> Word {
    Word {
        generation,
        attempt,
        seen,
        step: None,
        failure: None,
    }
}

fn go(was: &Workspace, event: Event, now: i64) -> Workspace {
    step(was, event, now, START_MS).unwrap()
}

fn says(was: &Workspace, seen: Seen, now: i64) -> Workspace {
    go(was, Event::Reported(word(was.generation, was.attempt, seen)), now)
}

#[test]
fn a_life() {
    let new = new(0, START_MS);
    assert_eq!((new.status, new.deadline_at), (Status::Queued, Some(START_MS)));
    let starting = says(&new, Seen::Starting, 10);
    assert_eq!(
        (starting.status, starting.deadline_at),
        (Status::Starting, Some(START_MS))
    );
    let running = says(&starting, Seen::Running, 20);
    assert_eq!(
        (running.status, running.deadline_at, running.running_since),
        (Status::Running, None, Some(20))
    );
    assert_eq!(says(&running, Seen::Running, 30), running, "nothing new");
    let stopping = go(&running, Event::Idle, 40);
    assert_eq!(
        (stopping.status, stopping.cause, stopping.generation),
        (Status::Stopping, Some(Cause::Idle), 2)
    );
    assert_eq!(go(&stopping, Event::Reported(word(1, 1, Seen::Running)), 45), stopping);
    let stopped = says(&stopping, Seen::Stopped, 50);
    assert_eq!((stopped.status, stopped.cause), (Status::Stopped, Some(Cause::Idle)));
    let again = go(&stopped, Event::Start, 60);
    assert_eq!(
        (again.status, again.attempt, again.generation, again.cause),
        (Status::Queued, 2, 3, None)
    );
    assert_eq!(
        go(&again, Event::Reported(word(2, 1, Seen::Stopped)), 65),
        again,
        "of the old attempt"
    );
    let deleting = go(&again, Event::Delete, 70);
    assert_eq!(go(&deleting, Event::Reported(word(3, 2, Seen::Running)), 75), deleting);
    assert_eq!(step(&deleting, Event::Start, 76, START_MS), Err(Refusal::Leaving));
    let deleted = says(&deleting, Seen::Deleted, 80);
    assert_eq!(deleted.status, Status::Deleted);
    assert_eq!(step(&deleted, Event::Restart, 90, START_MS), Err(Refusal::Gone));
    assert_eq!(says(&deleted, Seen::Running, 90), deleted);
}

#[test]
fn a_failed_step_is_named_and_can_be_tried_again() {
    let starting = says(&new(0, START_MS), Seen::Starting, 1);
    let clone = Failure {
        step: "clone".to_owned(),
        message: "No such repository.".to_owned(),
    };
    let told = Word {
        failure: Some(clone.clone()),
        ..word(1, 1, Seen::Failed)
    };
    let failed = go(&starting, Event::Reported(told.clone()), 2);
    assert_eq!((failed.status, failed.failure.clone()), (Status::Failed, Some(clone)));
    let retried = go(&failed, Event::Start, 3);
    assert_eq!(
        (retried.status, retried.attempt, retried.failure.clone()),
        (Status::Queued, 2, None)
    );
    assert_eq!(
        go(&retried, Event::Reported(told), 4),
        retried,
        "the old failure, told again"
    );
}

#[test]
fn deadlines_end_with_a_name_and_a_late_word_still_counts() {
    let check = |was: &Workspace, now_step: Option<&str>, expect: &str, late: Seen, then: Status| {
        let at = was.deadline_at.unwrap();
        let tick = |now| {
            go(
                was,
                Event::Tick {
                    step: now_step.map(str::to_owned),
                },
                now,
            )
        };
        assert_eq!(tick(at - 1), *was);
        let failed = tick(at);
        assert_eq!(
            (failed.status, failed.failure.clone().unwrap().step.as_str()),
            (Status::Failed, expect)
        );
        assert_eq!(says(&failed, late, at + 1).status, then);
    };
    let new = new(0, START_MS);
    let starting = says(&new, Seen::Starting, 1);
    let running = says(&starting, Seen::Running, 2);
    check(&new, None, "queue", Seen::Running, Status::Running);
    check(&starting, Some("image"), "image", Seen::Running, Status::Running);
    check(&starting, None, "start", Seen::Starting, Status::Failed);
    check(
        &go(&running, Event::Stop, 3),
        None,
        "stop",
        Seen::Stopped,
        Status::Stopped,
    );
    check(
        &go(&running, Event::Delete, 3),
        None,
        "delete",
        Seen::Deleted,
        Status::Deleted,
    );
}

#[test]
fn an_older_state_of_ours_learns_from_the_node() {
    // A backup knows attempt 1; the node runs attempt 3.
    let restored = says(&new(0, START_MS), Seen::Running, 1);
    let next = go(&restored, Event::Reported(word(7, 3, Seen::Running)), 2);
    assert_eq!((next.status, next.attempt, next.generation), (Status::Running, 3, 7));
    assert!(wish_changed(&restored, &next));
}

#[test]
fn the_countdown() {
    assert_eq!(idle_stop_at(None, Some(5), 10), None);
    assert_eq!(idle_stop_at(Some(5), None, 0), None);
    assert_eq!(idle_stop_at(Some(5), None, 10), Some(600_005));
    assert_eq!(idle_stop_at(Some(5), Some(7), 10), Some(600_007));
    assert_eq!(
        idle_stop_at(Some(9), Some(7), 10),
        Some(600_009),
        "activity before this start"
    );
}

/// A node that reconciles: what it has taken up, and what it says.
#[derive(Debug, Clone)]
struct Node {
    wish: (i64, i64, Desire),
    is: Seen,
}

impl Node {
    fn takes(&mut self, of: &Workspace) {
        // Deleted rows are no longer told to the node.
        if of.status == Status::Deleted || self.is == Seen::Deleted {
            return;
        }
        let restarts = self.wish.1 != of.attempt;
        self.wish = (of.generation, of.attempt, of.desire);
        if restarts && of.desire == Desire::Running {
            self.is = Seen::Starting;
        }
    }

    fn works(&mut self, fails: bool) {
        self.is = match (self.wish.2, self.is) {
            (_, Seen::Deleted) => Seen::Deleted,
            (Desire::Running, Seen::Failed) => Seen::Failed,
            (Desire::Running, Seen::Starting) if fails => Seen::Failed,
            (Desire::Running, Seen::Starting | Seen::Running) => Seen::Running,
            (Desire::Running, _) => Seen::Starting,
            (Desire::Stopped, _) => Seen::Stopped,
            (Desire::Deleted, _) => Seen::Deleted,
        };
    }

    fn says(&self) -> Word {
        word(self.wish.0, self.wish.1, self.is)
    }
}

#[derive(Debug, Clone)]
enum Act {
    Person(Event),
    Takes,
    Works(bool),
    Says,
    /// A word said earlier arrives (again).
    Late(usize),
    Waits(i64),
}

fn acts() -> impl Strategy<Value = Act> {
    let person = prop_oneof![
        Just(Event::Start),
        Just(Event::Restart),
        Just(Event::Rebuild),
        Just(Event::Stop),
        Just(Event::Idle),
        Just(Event::Delete),
    ];
    prop_oneof![
        2 => person.prop_map(Act::Person),
        4 => Just(Act::Takes),
        4 => any::<bool>().prop_map(Act::Works),
        4 => Just(Act::Says),
        2 => any::<usize>().prop_map(Act::Late),
        1 => (0..3_000_000_i64).prop_map(Act::Waits),
    ]
}

proptest! {
    /// People, a node and a network do as they like; then the network is good for a while. The workspace is what was
    /// wanted, or has a named failure; it is `deleted` only if the node has deleted it.
    #[test]
    fn whatever_happens(list in proptest::collection::vec(acts(), 0..80)) {
        let mut workspace = new(0, START_MS);
        let mut node = Node { wish: (0, 0, Desire::Running), is: Seen::Other };
        let mut said: Vec<Word> = Vec::new();
        let mut now = 0;
        for act in list {
            let event = match act {
                Act::Person(event) => event,
                Act::Takes => { node.takes(&workspace); continue }
                Act::Works(fails) => { node.works(fails); continue }
                Act::Says => { said.push(node.says()); Event::Reported(node.says()) }
                Act::Late(n) if said.is_empty() => { let _ = n; continue }
                Act::Late(n) => Event::Reported(said[n % said.len()].clone()),
                Act::Waits(ms) => { now += ms; Event::Tick { step: None } }
            };
            let Ok(next) = step(&workspace, event, now, START_MS) else { continue };
            prop_assert!(next.generation >= workspace.generation && next.attempt >= workspace.attempt);
            prop_assert!(next.desire == workspace.desire || next.generation > workspace.generation);
            prop_assert!(next.status != Status::Deleted || node.is == Seen::Deleted, "without the node's word");
            prop_assert_eq!(next.status.is_transient(), next.deadline_at.is_some(), "{:?}", next);
            prop_assert_eq!(next.status == Status::Failed, next.failure.is_some(), "{:?}", next);
            prop_assert_eq!(next.status == Status::Running, next.running_since.is_some(), "{:?}", next);
            workspace = next;
        }
        for _ in 0..4 {
            node.takes(&workspace);
            node.works(false);
            workspace = go(&workspace, Event::Reported(node.says()), now);
        }
        let settled = match workspace.desire {
            Desire::Running => matches!(workspace.status, Status::Running | Status::Failed),
            Desire::Stopped => workspace.status == Status::Stopped,
            Desire::Deleted => workspace.status == Status::Deleted,
        };
        prop_assert!(settled, "{:?} {:?}", workspace, node);
    }
}
