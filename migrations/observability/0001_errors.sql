-- Error reports: kept apart from the core, so that their volume cannot slow it down.

CREATE TABLE IF NOT EXISTS errors (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    component TEXT NOT NULL,
    -- Route id, or the queue of a worker.
    place TEXT NOT NULL,
    request_id TEXT,
    message TEXT NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS errors_at ON errors (at);
