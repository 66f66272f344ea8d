//! Asks the application who may pass, and remembers what it said about cookies for a moment.

use crate::gate::{AdmitError, Ask, Credential, Pass, SharedGate};
use crate::metrics::Metrics;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// A page loads dozens of files at once; a revoked cookie works on for so long.
pub(super) const REMEMBERED: Duration = Duration::from_secs(5);
/// Decisions at once.
const DECISIONS_MAX: usize = 4096;

type Decision = Arc<OnceCell<Result<Pass, AdmitError>>>;

#[derive(Debug)]
pub(super) struct Admissions {
    gate: SharedGate,
    metrics: Arc<Metrics>,
    /// For so long a decision about a cookie holds.
    holds: Duration,
    remembered: Mutex<HashMap<(String, String), (Instant, Decision)>>,
}

impl Admissions {
    pub(super) fn new(gate: SharedGate, metrics: Arc<Metrics>, holds: Duration) -> Self {
        Self {
            gate,
            metrics,
            holds,
            remembered: Mutex::default(),
        }
    }

    /// Whether a request may pass, and where to. A ticket is used up by it.
    pub(super) async fn admit(&self, ask: Ask) -> Result<Pass, AdmitError> {
        let key = match &ask.credential {
            Credential::Ticket(_) => {
                let decided = self.gate.admit(ask).await;
                self.count(&decided);
                return decided;
            }
            Credential::Cookie(cookie) => (ask.label.clone(), cookie.clone()),
        };
        let decision = self.decision(&key);
        if let Some(decided) = decision.get() {
            self.metrics.admitted("remembered");
            return decided.clone();
        }
        // Many requests that come together ask once.
        let decided = decision
            .get_or_init(|| async {
                let decided = self.gate.admit(ask).await;
                self.count(&decided);
                decided
            })
            .await
            .clone();
        if decided == Err(AdmitError::Unavailable) {
            self.lock().remove(&key);
        }
        decided
    }

    fn decision(&self, key: &(String, String)) -> Decision {
        let now = Instant::now();
        let is_fresh = |asked: &Instant| now.duration_since(*asked) < self.holds;
        let mut remembered = self.lock();
        if let Some((asked, decision)) = remembered.get(key)
            && is_fresh(asked)
        {
            return Arc::clone(decision);
        }
        if remembered.len() >= DECISIONS_MAX {
            remembered.retain(|_, (asked, _)| is_fresh(asked));
            if remembered.len() >= DECISIONS_MAX {
                // Asking again is always right.
                remembered.clear();
            }
        }
        let decision = Decision::default();
        remembered.insert(key.clone(), (now, Arc::clone(&decision)));
        decision
    }

    fn count(&self, decided: &Result<Pass, AdmitError>) {
        self.metrics.admitted(match decided {
            Ok(_) => "admitted",
            Err(AdmitError::Refused) => "refused",
            Err(AdmitError::Unavailable) => "unavailable",
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), (Instant, Decision)>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, TunnelChange};
    use futures::future::BoxFuture;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Admits what does not begin with `x`, and counts.
    #[derive(Clone, Default)]
    struct Counting(Arc<AtomicUsize>);

    impl Gate for Counting {
        fn admit(&self, ask: Ask) -> BoxFuture<'static, Result<Pass, AdmitError>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            let (Credential::Ticket(secret) | Credential::Cookie(secret)) = ask.credential;
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(10)).await;
                match secret.as_str() {
                    "down" => Err(AdmitError::Unavailable),
                    "bad" => Err(AdmitError::Refused),
                    _ => Ok(Pass {
                        tunnel: "n1".to_owned(),
                        target: "/".to_owned(),
                        cookie: None,
                    }),
                }
            })
        }

        fn tunnel_changed(&self, _change: TunnelChange) -> BoxFuture<'static, bool> {
            Box::pin(async { true })
        }
    }

    fn ask(credential: Credential) -> Ask {
        Ask {
            label: "ws-1--80".to_owned(),
            path: "/".to_owned(),
            credential,
        }
    }

    fn cookie(value: &str) -> Ask {
        ask(Credential::Cookie(value.to_owned()))
    }

    #[tokio::test]
    async fn cookies_are_asked_about_once_in_a_while_and_tickets_each_time() {
        let gate = Counting::default();
        let asked = Arc::clone(&gate.0);
        let holds = Duration::from_millis(500);
        let admissions = Admissions::new(SharedGate::new(gate), Arc::default(), holds);
        let together = (0..50).map(|_| admissions.admit(cookie("a")));
        let together = futures::future::join_all(together).await;
        assert!(together.iter().all(Result::is_ok));
        assert_eq!(asked.load(Ordering::SeqCst), 1, "fifty requests at once ask once");
        assert_eq!(admissions.admit(cookie("bad")).await, Err(AdmitError::Refused));
        assert_eq!(admissions.admit(cookie("bad")).await, Err(AdmitError::Refused));
        assert_eq!(asked.load(Ordering::SeqCst), 2, "a refusal is remembered, too");
        tokio::time::sleep(holds).await;
        admissions.admit(cookie("a")).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 3);
        for _ in 0..2 {
            assert_eq!(admissions.admit(cookie("down")).await, Err(AdmitError::Unavailable));
            admissions.admit(ask(Credential::Ticket("t".to_owned()))).await.unwrap();
        }
        assert_eq!(
            asked.load(Ordering::SeqCst),
            7,
            "neither a failure nor a ticket is remembered"
        );
    }

    #[tokio::test]
    async fn the_number_of_decisions_is_bounded() {
        let admissions = Admissions::new(SharedGate::new(Counting::default()), Arc::default(), REMEMBERED);
        let many = (0..3 * DECISIONS_MAX).map(|n| admissions.admit(cookie(&n.to_string())));
        futures::future::join_all(many).await;
        assert!(admissions.lock().len() <= DECISIONS_MAX);
    }
}
