//! What a state change brings about. `kit` writes it as JSON into the row's `effects` column in the same statement as
//! the state, and the table's trigger copies it into `jobs` and `events`: neither exists without the other.

/// A fact in a payload. Payloads are flat: whoever needs more reads the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Text.
    Text(String),
    /// A number, or a time in epoch milliseconds.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

impl From<&str> for Fact {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Fact {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Fact {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Fact {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// Named facts.
pub type Facts = Vec<(&'static str, Fact)>;

/// A job to enqueue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// A queue of `contract::queues`.
    pub queue: &'static str,
    /// What kind of work.
    pub kind: &'static str,
    /// On what. Unique in its queue while the job is not done, so it carries the generation or attempt.
    pub key: String,
    /// What the worker needs to know beyond the key.
    pub payload: Facts,
    /// How long the job waits before it is due.
    pub delay_ms: i64,
}

/// An event to append to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// What happened: `<noun>.<past participle>`.
    pub kind: &'static str,
    /// Version of the payload's shape.
    pub v: u32,
    /// What exactly.
    pub payload: Facts,
}

/// Everything a state change brings about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// Work to do.
    pub jobs: Vec<NewJob>,
    /// News to tell.
    pub events: Vec<NewEvent>,
}

impl Effects {
    /// One event and nothing to do.
    pub fn event(kind: &'static str, v: u32, payload: Facts) -> Self {
        Self {
            jobs: Vec::new(),
            events: vec![NewEvent { kind, v, payload }],
        }
    }

    /// One job and nothing to tell.
    pub fn job(job: NewJob) -> Self {
        Self {
            jobs: vec![job],
            events: Vec::new(),
        }
    }

    /// Both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.jobs.extend(other.jobs);
        self.events.extend(other.events);
        self
    }
}

/// The two triggers that copy the `effects` of a table's rows. Generated, so that they are the same for every table
/// and hold no logic; a test compares each table that has an `effects` column with this text.
///
/// A job that is enqueued again while a worker holds it runs once more (`rerun`): what the worker has read may be older.
pub fn triggers(table: &str) -> String {
    let body = "
    INSERT INTO jobs (id, queue, kind, key, payload, run_at, created_at)
    SELECT value ->> 'id', value ->> 'queue', value ->> 'kind', value ->> 'key', value ->> 'payload',
        value ->> 'run_at', value ->> 'at'
    FROM json_each(NEW.effects, '$.jobs') WHERE true
    ON CONFLICT (queue, key) WHERE done_at IS NULL DO UPDATE SET rerun = 1 WHERE lease_id IS NOT NULL;
    INSERT INTO events (id, account_id, project_id, session_id, v, kind, actor, turn_id, causation_id, payload, at)
    SELECT value ->> 'id', value ->> 'account_id', value ->> 'project_id', coalesce(value ->> 'session_id', ''),
        value ->> 'v', value ->> 'kind', value ->> 'actor', value ->> 'turn_id', value ->> 'causation_id',
        value ->> 'payload', value ->> 'at'
    FROM json_each(NEW.effects, '$.events') WHERE true
    ON CONFLICT (session_id, id) DO NOTHING;
END;
";
    format!(
        "CREATE TRIGGER IF NOT EXISTS {table}_effects_insert AFTER INSERT ON {table} BEGIN{body}\n\
         CREATE TRIGGER IF NOT EXISTS {table}_effects_update AFTER UPDATE OF effects ON {table} BEGIN{body}"
    )
}
