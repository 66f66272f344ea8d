-- Made by `cargo xtask gen` from the migrations beside it. Never edited by hand.

CREATE TABLE errors (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    component TEXT NOT NULL,
    -- Route id, or the queue of a worker.
    place TEXT NOT NULL,
    request_id TEXT,
    message TEXT NOT NULL
) STRICT;

CREATE INDEX errors_at ON errors (at);

CREATE TABLE schema_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    -- Statements of the file that are done.
    steps INTEGER NOT NULL,
    -- Binaries that know no migration as new as this one refuse the schema.
    min_binary INTEGER NOT NULL,
    -- Null until all statements are done.
    applied_at INTEGER
) STRICT;
