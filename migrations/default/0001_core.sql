-- Accounts, jobs, events, the audit log and rate limits: what everything else stands on.
--
-- Times are UTC epoch milliseconds. Ids are lowercase ULIDs. Rows with `effects` are written together with what they
-- bring about; the generated triggers (`domain::effects::triggers`) copy it into `jobs` and `events`.

-- What owns things: a personal account now, an organisation later.
CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('personal')),
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    effects TEXT
) STRICT;

-- Work to do, see `domain::jobs`.
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    queue TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    payload TEXT NOT NULL,
    run_at INTEGER NOT NULL,
    lease_id TEXT,
    lease_until INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Enqueued again while held: runs once more.
    rerun INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    -- Last success: a recurring job has many and is never done.
    succeeded_at INTEGER,
    created_at INTEGER NOT NULL,
    -- Failed too often: a dead letter.
    parked_at INTEGER,
    done_at INTEGER
) STRICT;

CREATE UNIQUE INDEX IF NOT EXISTS jobs_open ON jobs (queue, key) WHERE done_at IS NULL;

CREATE INDEX IF NOT EXISTS jobs_due ON jobs (queue, run_at) WHERE done_at IS NULL AND parked_at IS NULL;

CREATE INDEX IF NOT EXISTS jobs_parked ON jobs (id) WHERE parked_at IS NOT NULL AND done_at IS NULL;

CREATE INDEX IF NOT EXISTS jobs_succeeded ON jobs (queue, succeeded_at) WHERE succeeded_at IS NOT NULL;

-- The append-only log of everything that users can watch; `seq` is the cursor.
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id TEXT NOT NULL,
    project_id TEXT,
    -- Empty for what belongs to no chat session.
    session_id TEXT NOT NULL,
    v INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    actor TEXT,
    turn_id TEXT,
    causation_id TEXT,
    payload TEXT NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (session_id, id)
) STRICT;

CREATE INDEX IF NOT EXISTS events_account ON events (account_id, seq);

-- Who did what, see `domain::audit`. `prev_hash` and `hash` are null until the row is sealed.
CREATE TABLE IF NOT EXISTS audit_log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor_user_id TEXT,
    account_id TEXT,
    action TEXT NOT NULL,
    target TEXT,
    request_id TEXT,
    outcome TEXT NOT NULL,
    prev_hash BLOB,
    hash BLOB,
    effects TEXT
) STRICT;

CREATE INDEX IF NOT EXISTS audit_log_unsealed ON audit_log (seq) WHERE hash IS NULL;

CREATE INDEX IF NOT EXISTS audit_log_actor ON audit_log (actor_user_id, seq);

CREATE INDEX IF NOT EXISTS audit_log_action ON audit_log (action, seq);

-- One row per caller and limited route: requests in the current window.
CREATE TABLE IF NOT EXISTS rate_limits (
    key TEXT PRIMARY KEY,
    window_start INTEGER NOT NULL,
    requests INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS rate_limits_window ON rate_limits (window_start);

CREATE TRIGGER IF NOT EXISTS accounts_effects_insert AFTER INSERT ON accounts BEGIN
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

CREATE TRIGGER IF NOT EXISTS accounts_effects_update AFTER UPDATE OF effects ON accounts BEGIN
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

CREATE TRIGGER IF NOT EXISTS audit_log_effects_insert AFTER INSERT ON audit_log BEGIN
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

CREATE TRIGGER IF NOT EXISTS audit_log_effects_update AFTER UPDATE OF effects ON audit_log BEGIN
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

