//! Single decisions, then random histories: whatever happened before, the last wish is reached, and nothing is deleted
//! without a tombstone.

use super::*;
use proptest::prelude::*;

fn wish(goal: Goal, attempt: i64) -> Option<Wish> {
    Some(Wish {
        goal,
        attempt,
        rebuild: false,
    })
}

fn record(attempt: i64, outcome: Outcome) -> Option<Record> {
    Some(Record {
        attempt,
        outcome,
        deaths: 0,
    })
}

fn check(wish: Option<Wish>, record: Option<Record>, runtime: Runtime, files: bool, expect: Decision) {
    let facts = Facts {
        wish,
        record,
        runtime,
        files,
    };
    assert_eq!(decide(&facts), expect, "{facts:?}");
}

fn start(attempt: i64, clear: Clear, revival: bool) -> Decision {
    Decision::Begin(Job::Start {
        attempt,
        clear,
        revival,
    })
}

#[test]
fn single_decisions() {
    use Outcome::{Failed, Ready, Unfinished};
    use Runtime::{Absent, Alive, Stopped, Unknown};
    check(
        wish(Goal::Running, 1),
        None,
        Absent,
        false,
        start(1, Clear::Nothing, false),
    );
    check(
        wish(Goal::Running, 1),
        record(1, Unfinished),
        Absent,
        true,
        start(1, Clear::Nothing, false),
    );
    check(
        wish(Goal::Running, 1),
        record(1, Ready),
        Alive,
        true,
        Decision::Rest(State::Running),
    );
    check(
        wish(Goal::Running, 1),
        record(1, Ready),
        Unknown,
        true,
        Decision::Rest(State::Running),
    );
    check(
        wish(Goal::Running, 1),
        record(1, Ready),
        Stopped,
        true,
        start(1, Clear::Nothing, true),
    );
    check(
        wish(Goal::Running, 1),
        record(1, Failed),
        Alive,
        true,
        Decision::Rest(State::Failed),
    );
    check(
        wish(Goal::Running, 2),
        record(1, Failed),
        Absent,
        true,
        start(2, Clear::Processes, false),
    );
    // A restored backup asks for an older attempt: nothing that runs is ended.
    check(
        wish(Goal::Running, 1),
        record(7, Ready),
        Alive,
        true,
        start(1, Clear::Nothing, false),
    );
    check(
        wish(Goal::Stopped, 1),
        record(1, Ready),
        Alive,
        true,
        Decision::Begin(Job::Stop),
    );
    check(
        wish(Goal::Stopped, 1),
        record(1, Outcome::Stopped),
        Stopped,
        true,
        Decision::Rest(State::Stopped),
    );
    check(
        wish(Goal::Deleted, 1),
        record(1, Ready),
        Alive,
        true,
        Decision::Begin(Job::Delete),
    );
    check(
        wish(Goal::Deleted, 1),
        None,
        Unknown,
        false,
        Decision::Begin(Job::Delete),
    );
    check(
        wish(Goal::Deleted, 1),
        None,
        Absent,
        false,
        Decision::Rest(State::Deleted),
    );
    check(
        wish(Goal::Unknown, 1),
        record(1, Ready),
        Alive,
        true,
        Decision::Rest(State::Unknown),
    );
    check(None, record(1, Ready), Alive, true, Decision::Rest(State::Orphan));
    let rebuild = Wish {
        goal: Goal::Running,
        attempt: 2,
        rebuild: true,
    };
    check(
        Some(rebuild),
        record(1, Ready),
        Alive,
        true,
        start(2, Clear::Container, false),
    );
}

#[test]
fn an_attempt_whose_runtime_keeps_dying_is_given_up() {
    let mut deaths = 0;
    for _ in 0..DEATHS_MAX {
        deaths = died(deaths, 1000);
    }
    let facts = Facts {
        wish: wish(Goal::Running, 1),
        record: Some(Record {
            attempt: 1,
            outcome: Outcome::Ready,
            deaths,
        }),
        runtime: Runtime::Stopped,
        files: true,
    };
    assert_eq!(decide(&facts), Decision::GiveUp);
    assert_eq!(died(deaths, DEATHS_WITHIN_MS), 1);
}

#[test]
fn what_a_newer_wish_gives_up() {
    let starting = Job::Start {
        attempt: 1,
        clear: Clear::Nothing,
        revival: false,
    };
    assert!(continues(&starting, wish(Goal::Running, 1).as_ref()));
    assert!(!continues(&starting, wish(Goal::Running, 2).as_ref()));
    assert!(!continues(&starting, wish(Goal::Stopped, 1).as_ref()));
    assert!(!continues(&starting, wish(Goal::Deleted, 1).as_ref()));
    assert!(!continues(&starting, None));
    assert!(continues(&Job::Delete, wish(Goal::Running, 9).as_ref()));
    assert!(!continues(&Job::Stop, wish(Goal::Running, 9).as_ref()));
}

/// A workspace as it really is, and the agent's notes about it.
#[derive(Debug, Clone)]
struct World {
    facts: Facts,
    /// A tombstone was seen at some time.
    tombstone: bool,
    /// Users' files were removed without one.
    lost: bool,
}

/// What happens to it.
#[derive(Debug, Clone, Copy)]
enum Event {
    Wish(Option<Wish>),
    /// The agent decides and its job gets so far: 0 is not at all, 4 is to its end.
    Work(u8),
    /// The job fails at a step, which is written down.
    Fails,
    Dies,
    Vanishes,
    Silent,
}

fn event() -> impl Strategy<Value = Event> {
    let goal = prop_oneof![
        4 => Just(Goal::Running),
        2 => Just(Goal::Stopped),
        1 => Just(Goal::Deleted),
        1 => Just(Goal::Unknown)
    ];
    let wish =
        (goal, 1_i64..5, any::<bool>()).prop_map(|(goal, attempt, rebuild)| Some(Wish { goal, attempt, rebuild }));
    prop_oneof![
        3 => wish.prop_map(Event::Wish),
        1 => Just(Event::Wish(None)),
        6 => (0_u8..=4).prop_map(Event::Work),
        1 => Just(Event::Fails),
        1 => Just(Event::Dies),
        1 => Just(Event::Vanishes),
        1 => Just(Event::Silent),
    ]
}

impl World {
    fn new() -> Self {
        let facts = Facts {
            wish: None,
            record: None,
            runtime: Runtime::Absent,
            files: false,
        };
        Self {
            facts,
            tombstone: false,
            lost: false,
        }
    }

    fn note(&mut self, attempt: i64, outcome: Outcome) {
        let deaths = self
            .facts
            .record
            .filter(|r| r.attempt == attempt)
            .map_or(0, |r| r.deaths);
        self.facts.record = Some(Record {
            attempt,
            outcome,
            deaths,
        });
    }

    /// Does what was decided, up to a crash after `effort` effects.
    fn work(&mut self, effort: u8, fails: bool) -> Decision {
        let decision = decide(&self.facts);
        let mut effort = effort;
        let mut can = || {
            let can = effort > 0;
            effort = effort.saturating_sub(1);
            can
        };
        match decision {
            Decision::Rest(_) => {}
            Decision::GiveUp => {
                let attempt = self.facts.record.map_or(0, |r| r.attempt);
                self.note(attempt, Outcome::Failed);
            }
            Decision::Begin(Job::Start {
                attempt,
                clear,
                revival,
            }) => {
                if clear != Clear::Nothing && can() {
                    self.facts.runtime = match clear {
                        Clear::Container => Runtime::Absent,
                        _ if self.facts.runtime == Runtime::Absent => Runtime::Absent,
                        _ => Runtime::Stopped,
                    };
                }
                if can() {
                    self.note(attempt, Outcome::Unfinished);
                    if revival && let Some(record) = &mut self.facts.record {
                        record.deaths = died(record.deaths, 0);
                    }
                }
                if fails && can() {
                    self.note(attempt, Outcome::Failed);
                    return decision;
                }
                if can() {
                    self.facts.files = true;
                    self.facts.runtime = Runtime::Alive;
                }
                if can() && self.facts.record.is_some_and(|r| r.attempt == attempt) {
                    self.note(attempt, Outcome::Ready);
                }
            }
            Decision::Begin(Job::Stop) => {
                if can() {
                    self.facts.runtime = Runtime::Stopped;
                }
                if can()
                    && let Some(record) = &mut self.facts.record
                {
                    record.outcome = Outcome::Stopped;
                }
            }
            Decision::Begin(Job::Delete) => {
                self.lost |= !self.tombstone;
                if can() {
                    self.facts.runtime = Runtime::Absent;
                }
                if can() {
                    self.facts.files = false;
                }
                if can() {
                    self.facts.record = None;
                }
            }
        }
        decision
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Wish(wish) => {
                self.facts.wish = wish;
                self.tombstone |= wish.is_some_and(|wish| wish.goal == Goal::Deleted);
            }
            Event::Work(effort) => {
                self.work(effort, false);
            }
            Event::Fails => {
                self.work(4, true);
            }
            Event::Dies if self.facts.runtime == Runtime::Alive => self.facts.runtime = Runtime::Stopped,
            Event::Vanishes => self.facts.runtime = Runtime::Absent,
            Event::Silent => self.facts.runtime = Runtime::Unknown,
            Event::Dies => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn every_history_converges_and_only_a_tombstone_deletes(
        events in prop::collection::vec(event(), 0..40),
        last in prop_oneof![Just(Goal::Running), Just(Goal::Stopped), Just(Goal::Deleted)],
        attempt in 1_i64..6,
    ) {
        let mut world = World::new();
        for event in events {
            world.apply(event);
            prop_assert!(!world.lost);
        }
        if world.facts.runtime == Runtime::Unknown {
            world.facts.runtime = Runtime::Stopped;
        }
        world.apply(Event::Wish(wish(last, attempt)));
        let mut ended = Decision::GiveUp;
        for _ in 0..8 {
            ended = world.work(9, false);
        }
        prop_assert!(!world.lost);
        let failed_before = world.facts.record.is_some_and(|r| r.outcome == Outcome::Failed);
        let expect = match last {
            Goal::Running if failed_before => State::Failed,
            Goal::Running => State::Running,
            Goal::Stopped => State::Stopped,
            _ => State::Deleted,
        };
        prop_assert_eq!(ended, Decision::Rest(expect), "{:?}", world);
    }

    #[test]
    fn without_a_wish_nothing_is_touched(record in prop::option::of((1_i64..5, 0_u32..9)), files: bool, runtime in 0..4) {
        let runtime = [Runtime::Absent, Runtime::Stopped, Runtime::Alive, Runtime::Unknown][runtime as usize];
        let record = record.map(|(attempt, deaths)| Record { attempt, outcome: Outcome::Unfinished, deaths });
        let decision = decide(&Facts { wish: None, record, runtime, files });
        prop_assert_eq!(decision, Decision::Rest(State::Orphan));
    }
}
