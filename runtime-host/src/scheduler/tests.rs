//! The scheduler over a fake `ops`, on paused time.

use super::*;
use sam_contract::http::health::QueueHealth;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Counts calls by queue; `hung` never ends, `broken` always fails, `long` has more three times.
#[derive(Clone, Default)]
struct Fake {
    due: Arc<Mutex<Vec<&'static str>>>,
    calls: Arc<Mutex<BTreeMap<String, usize>>>,
    running: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Fake {
    fn calls(&self, queue: &str) -> usize {
        self.calls.lock().unwrap().get(queue).copied().unwrap_or_default()
    }

    fn count(&self, queue: &str) -> usize {
        let mut calls = self.calls.lock().unwrap();
        let count = calls.entry(queue.to_owned()).or_default();
        *count += 1;
        *count
    }
}

fn refused() -> CallError {
    CallError::Refused {
        component: "c".into(),
        path: "/".into(),
        status: http::StatusCode::BAD_GATEWAY,
        answer: String::new(),
    }
}

impl Work for Fake {
    async fn due(&self) -> Result<Due, CallError> {
        self.count("due");
        let due = self.due.lock().unwrap().clone();
        if due.contains(&"ops is broken") {
            return Err(refused());
        }
        let queue = |queue: &str| DueQueue {
            queue: queue.into(),
            component: "c".into(),
        };
        Ok(Due {
            queues: due.into_iter().map(queue).collect(),
            health: vec![QueueHealth {
                queue: "fine".into(),
                depth: 3,
                oldest_age_ms: Some(1_500),
                last_success_at: Some(1_700_000_000_250),
                dead: 1,
            }],
        })
    }

    async fn work(&self, queue: &DueQueue) -> Result<Worked, CallError> {
        let count = self.count(&queue.queue);
        *self.running.lock().unwrap().entry(queue.queue.clone()).or_default() += 1;
        assert_eq!(
            self.running.lock().unwrap()[&queue.queue],
            1,
            "{} is called twice at once",
            queue.queue
        );
        match queue.queue.as_str() {
            "hung" => std::future::pending().await,
            // Longer than a tick.
            "slow" => tokio::time::sleep(Duration::from_millis(2500)).await,
            _ => tokio::task::yield_now().await,
        }
        *self.running.lock().unwrap().entry(queue.queue.clone()).or_default() -= 1;
        match queue.queue.as_str() {
            "broken" => Err(refused()),
            "long" => Ok(Worked {
                done: 1,
                failed: 0,
                more: !count.is_multiple_of(3),
            }),
            "stuck" => Ok(Worked {
                done: 0,
                failed: 0,
                more: true,
            }),
            _ => Ok(Worked {
                done: 1,
                failed: 0,
                more: false,
            }),
        }
    }
}

async fn run(due: &[&'static str], seconds: f64, wakes: &[&str]) -> Fake {
    let fake = Fake {
        due: Arc::new(Mutex::new(due.to_vec())),
        ..Fake::default()
    };
    let (scheduler, shutdown) = (Scheduler::default(), CancellationToken::new());
    let waker = scheduler.waker();
    let running = tokio::spawn(scheduler.run(fake.clone(), shutdown.clone()));
    tokio::task::yield_now().await;
    for wake in wakes {
        waker(wake);
    }
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    shutdown.cancel();
    // A hung call is waited for; the caller of `run` has the deadline.
    let _gave_up = timeout(Duration::from_secs(1), running).await;
    fake
}

#[tokio::test(start_paused = true)]
async fn each_tick_calls_every_due_queue_whatever_others_do() {
    let fake = run(&["fine", "hung", "broken", "slow", "long", "stuck"], 9.5, &[]).await;
    let calls = |queue| fake.calls(queue);
    assert_eq!(calls("due"), 10);
    assert_eq!(calls("fine"), 10, "beside a hung and a broken queue");
    assert_eq!(calls("hung"), 1, "one call at a time");
    assert_eq!(calls("broken"), 4, "at 0, 1, 3 and 7 s");
    assert_eq!(calls("slow"), 4, "at 0, 3, 6 and 9 s");
    assert_eq!(calls("long"), 30, "`more` calls again at once");
    assert_eq!(calls("stuck"), 10, "`more` without progress waits for the tick");
}

#[tokio::test(start_paused = true)]
async fn wakes_call_at_once_and_unknown_queues_are_ignored() {
    let fake = run(&[], 0.5, &["audit", "no-such-queue"]).await;
    assert_eq!((fake.calls("audit"), fake.calls("no-such-queue")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_hung_call_is_given_up_in_the_end() {
    let fake = run(&["hung"], 130.0, &[]).await;
    assert_eq!(fake.calls("due"), 130, "the tick goes on");
    assert!(fake.calls("hung") <= 2);
}

#[tokio::test(start_paused = true)]
async fn a_broken_ops_is_asked_less_often() {
    let fake = run(&["ops is broken"], 9.5, &["audit"]).await;
    assert_eq!(fake.calls("due"), 4, "at 0, 1, 3 and 7 s");
    assert_eq!(fake.calls("audit"), 1, "wakes need no ops");
}

#[tokio::test(start_paused = true)]
async fn metrics_say_how_each_queue_fares() {
    let (scheduler, shutdown) = (Scheduler::default(), CancellationToken::new());
    let mut registry = Registry::default();
    scheduler.register(&mut registry);
    let running = tokio::spawn(scheduler.run(Fake::default(), shutdown.clone()));
    tokio::time::sleep(Duration::from_millis(500)).await;
    shutdown.cancel();
    running.await.unwrap();
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    for line in [
        "sam_queue_depth{queue=\"fine\"} 3",
        "sam_queue_dead{queue=\"fine\"} 1",
        "sam_queue_oldest_age_seconds{queue=\"fine\"} 1.5",
        "sam_queue_last_success_timestamp_seconds{queue=\"fine\"} 1700000000.25",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}
