//! Writes what a `step` brings about as the JSON of a row's `effects` column, whose trigger does the rest.

use sam_contract::ids::{AccountId, EventId, JobId, RequestId, UserId};
use sam_domain::effects::{Effects, Fact, Facts};
use serde_json::{Map, Value as Json, json};

use crate::db::Value;
use crate::error::ApiError;
use crate::ids;
use crate::reply::Wake;

/// What all events and jobs of one change have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// When.
    pub now: i64,
    /// Whose events they are.
    pub account: AccountId,
    /// Who caused them; none for the system.
    pub actor: Option<UserId>,
    /// In which request, so that an event can be found in the log.
    pub request: Option<RequestId>,
}

/// Effects ready to be written, and whom to wake once they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    json: Option<String>,
    wakes: Vec<Wake>,
}

impl Written {
    /// The value for the `effects` column.
    pub fn column(&self) -> Value {
        Value::from(self.json.clone())
    }

    /// The same as text, for statements that read rows from JSON.
    pub fn text(&self) -> Option<&str> {
        self.json.as_deref()
    }

    /// For [`Reply::wake`](crate::reply::Reply::wake).
    pub fn wakes(&self) -> &[Wake] {
        &self.wakes
    }
}

/// Gives each job and event its id and writes them all.
///
/// # Errors
/// When the host gives no randomness for ids.
pub fn write(effects: &Effects, cause: &Cause) -> Result<Written, ApiError> {
    if *effects == Effects::default() {
        return Ok(Written::default());
    }
    let mut wakes = Vec::new();
    let mut jobs = Vec::new();
    for job in &effects.jobs {
        let id: JobId = ids::new()?;
        jobs.push(json!({
            "id": id, "queue": job.queue, "kind": job.kind, "key": job.key, "payload": payload(&job.payload),
            "run_at": cause.now.saturating_add(job.delay_ms), "at": cause.now,
        }));
        if job.delay_ms == 0 {
            wakes.push(Wake::Queue(job.queue));
        }
    }
    let mut events = Vec::new();
    for event in &effects.events {
        let id: EventId = ids::new()?;
        events.push(json!({
            "id": id, "account_id": cause.account, "v": event.v, "kind": event.kind, "actor": cause.actor,
            "causation_id": cause.request, "payload": payload(&event.payload), "at": cause.now,
        }));
        wakes.push(Wake::Account(cause.account));
        if event.kind.starts_with("user.") {
            wakes.push(Wake::Users);
        }
    }
    wakes.dedup();
    Ok(Written {
        json: Some(json!({ "jobs": jobs, "events": events }).to_string()),
        wakes,
    })
}

fn payload(facts: &Facts) -> Json {
    let fact = |fact: &Fact| match fact {
        Fact::Text(text) => json!(text),
        Fact::Number(number) => json!(number),
        Fact::Flag(flag) => json!(flag),
    };
    Json::Object(
        facts
            .iter()
            .map(|(name, value)| ((*name).to_owned(), fact(value)))
            .collect::<Map<_, _>>(),
    )
}
