//! Every queue, once: who works on it and how patient it is.

/// A queue of jobs. Its worker is `POST /_work/<name>` on its component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// As stored in `jobs.queue`.
    pub name: &'static str,
    /// The component (of `spin.toml`) that works on it.
    pub component: &'static str,
    /// How long a worker may hold a job before another takes it over.
    pub lease_ms: i64,
    /// Attempts before a job is parked as a dead letter.
    pub attempts_max: u32,
    /// Wait before the second attempt; doubles with each further one, with jitter.
    pub backoff_ms: i64,
    /// Longest wait between attempts.
    pub backoff_ms_max: i64,
    /// What the work is, in one sentence.
    pub sentence: &'static str,
}

/// Seals new audit rows into the hash chain.
pub const AUDIT: Queue = Queue {
    name: "audit",
    component: "ops",
    lease_ms: 30_000,
    attempts_max: 20,
    backoff_ms: 1_000,
    backoff_ms_max: 60_000,
    sentence: "Seals audit rows into the hash chain, oldest first.",
};

/// Ends the credentials of suspended users, and deletes those that are over.
pub const IDENTITY: Queue = Queue {
    name: "identity",
    component: "identity",
    lease_ms: 30_000,
    attempts_max: 20,
    backoff_ms: 1_000,
    backoff_ms_max: 300_000,
    sentence: "Ends the sessions and tokens of suspended users, and deletes sessions, tokens and links that are over.",
};

/// Deletes what is over.
pub const PRUNE: Queue = Queue {
    name: "prune",
    component: "ops",
    lease_ms: 60_000,
    attempts_max: 10,
    backoff_ms: 60_000,
    backoff_ms_max: 3_600_000,
    sentence: "Deletes done jobs, counted requests and old error reports, once an hour.",
};

/// Deadlines of nodes.
pub const NODES: Queue = Queue {
    name: "nodes",
    component: "nodes",
    lease_ms: 30_000,
    attempts_max: 20,
    backoff_ms: 1_000,
    backoff_ms_max: 60_000,
    sentence: "Notices nodes that no longer report, ends commands that expired, and forgets deleted nodes.",
};

/// Deadlines and idle times of workspaces.
pub const WORKSPACES: Queue = Queue {
    name: "workspaces",
    component: "workspaces",
    lease_ms: 30_000,
    attempts_max: 20,
    backoff_ms: 1_000,
    backoff_ms_max: 60_000,
    sentence: "Ends starts that take too long, stops idle workspaces, and forgets deleted ones and old tickets.",
};

/// All queues.
pub const QUEUES: &[Queue] = &[AUDIT, IDENTITY, PRUNE, NODES, WORKSPACES];

/// Recurring jobs, by queue and kind. They enqueue themselves again; a migration makes sure that they exist.
pub const RECURRING: &[(Queue, &str)] = &[
    (PRUNE, "prune"),
    (IDENTITY, "prune"),
    (NODES, "watch"),
    (NODES, "prune"),
    (WORKSPACES, "watch"),
    (WORKSPACES, "prune"),
    (WORKSPACES, "reseal"),
];

/// The queue of that name.
pub fn find(name: &str) -> Option<&'static Queue> {
    QUEUES.iter().find(|queue| queue.name == name)
}
