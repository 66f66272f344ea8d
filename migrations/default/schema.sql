-- Made by `cargo xtask gen` from the migrations beside it. Never edited by hand.

CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('personal')),
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    effects TEXT
) STRICT;

CREATE TRIGGER accounts_effects_insert AFTER INSERT ON accounts BEGIN
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

CREATE TRIGGER accounts_effects_update AFTER UPDATE OF effects ON accounts BEGIN
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

CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    -- The first characters, to recognise it by.
    prefix TEXT NOT NULL,
    token_hash BLOB NOT NULL UNIQUE,
    -- JSON list of `read`, `write`, `admin`.
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- Null: does not end by itself.
    expires_at INTEGER,
    -- To the minute.
    last_used_at INTEGER,
    revoked_at INTEGER,
    version INTEGER NOT NULL DEFAULT 1,
    effects TEXT
) STRICT;

CREATE TRIGGER api_tokens_effects_insert AFTER INSERT ON api_tokens BEGIN
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

CREATE TRIGGER api_tokens_effects_update AFTER UPDATE OF effects ON api_tokens BEGIN
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

CREATE INDEX api_tokens_user ON api_tokens (user_id, id);

CREATE TABLE audit_log (
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

CREATE INDEX audit_log_action ON audit_log (action, seq);

CREATE INDEX audit_log_actor ON audit_log (actor_user_id, seq);

CREATE TRIGGER audit_log_effects_insert AFTER INSERT ON audit_log BEGIN
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

CREATE TRIGGER audit_log_effects_update AFTER UPDATE OF effects ON audit_log BEGIN
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

CREATE INDEX audit_log_unsealed ON audit_log (seq) WHERE hash IS NULL;

CREATE TABLE events (
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

CREATE INDEX events_account ON events (account_id, seq);

CREATE TABLE identities (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    provider TEXT NOT NULL,
    subject TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (provider, subject)
) STRICT;

CREATE INDEX identities_user ON identities (user_id);

CREATE TABLE jobs (
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

CREATE INDEX jobs_due ON jobs (queue, run_at) WHERE done_at IS NULL AND parked_at IS NULL;

CREATE UNIQUE INDEX jobs_open ON jobs (queue, key) WHERE done_at IS NULL;

CREATE INDEX jobs_parked ON jobs (id) WHERE parked_at IS NOT NULL AND done_at IS NULL;

CREATE INDEX jobs_succeeded ON jobs (queue, succeeded_at) WHERE succeeded_at IS NOT NULL;

CREATE TABLE login_links (
    id TEXT PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('first-run', 'device', 'invite', 'recovery')),
    -- Whom it signs in; null where redeeming makes a user.
    user_id TEXT REFERENCES users (id),
    -- Role of the user that it makes.
    role TEXT NOT NULL CHECK (role IN ('user', 'admin', 'superadmin')),
    note TEXT,
    token_hash BLOB NOT NULL UNIQUE,
    -- Null where the host asked for it.
    created_by TEXT REFERENCES users (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;

CREATE INDEX login_links_expiry ON login_links (expires_at);

CREATE INDEX login_links_open ON login_links (purpose, id) WHERE used_at IS NULL;

CREATE TABLE node_reports (
    node_id TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    -- Generation of the desired state that the agent has taken up.
    generation INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    -- JSON of `contract::agent::observed::Load`.
    load TEXT NOT NULL,
    warm INTEGER NOT NULL,
    -- JSON list of `contract::agent::observed::ObservedWorkspace`.
    workspaces TEXT NOT NULL,
    -- Of that list without what changes with every key press.
    digest BLOB NOT NULL,
    effects TEXT
) STRICT;

CREATE TRIGGER node_reports_effects_insert AFTER INSERT ON node_reports BEGIN
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

CREATE TRIGGER node_reports_effects_update AFTER UPDATE OF effects ON node_reports BEGIN
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

CREATE INDEX node_reports_seen ON node_reports (seen_at);

CREATE TABLE nodes (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    -- The machine that the control plane runs on.
    is_local INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL CHECK (status IN ('pending', 'enrolling', 'ready', 'unreachable', 'draining', 'deleted')),
    -- Takes no new workspaces; kept while the node is unreachable.
    draining INTEGER NOT NULL DEFAULT 0,
    -- A name of `domain::nodes::Cause`.
    cause TEXT,
    -- When a status that waits for something gives up.
    deadline_at INTEGER,
    -- Ed25519; null before a machine joined. Kept when the node is deleted, so that its agent can be told.
    public_key BLOB,
    -- The one command with which a machine joins: the newest. `enrol_key` is the key that has used it.
    enrol_hash BLOB UNIQUE,
    enrol_expires_at INTEGER,
    enrol_key BLOB,
    -- Of the newest process of its agent.
    epoch INTEGER NOT NULL DEFAULT 0,
    -- Of the process whose tunnel is open; null when none is.
    tunnel_epoch INTEGER,
    -- JSON of `contract::agent::enrol::Machine`.
    machine TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    effects TEXT
) STRICT;

CREATE INDEX nodes_account ON nodes (account_id, id);

CREATE INDEX nodes_deadline ON nodes (deadline_at) WHERE deadline_at IS NOT NULL;

CREATE INDEX nodes_deleted ON nodes (updated_at) WHERE status = 'deleted';

CREATE TRIGGER nodes_effects_insert AFTER INSERT ON nodes BEGIN
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

CREATE TRIGGER nodes_effects_update AFTER UPDATE OF effects ON nodes BEGIN
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

CREATE UNIQUE INDEX nodes_local ON nodes (is_local) WHERE is_local = 1 AND status <> 'deleted';

CREATE TABLE port_sessions (
    token_hash BLOB PRIMARY KEY,
    account_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    port INTEGER NOT NULL,
    session_id TEXT,
    api_token_id TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX port_sessions_expiry ON port_sessions (expires_at);

CREATE TABLE rate_limits (
    key TEXT PRIMARY KEY,
    window_start INTEGER NOT NULL,
    requests INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX rate_limits_window ON rate_limits (window_start);

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

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    token_hash BLOB NOT NULL UNIQUE,
    user_agent TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- To the minute.
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    version INTEGER NOT NULL DEFAULT 1,
    effects TEXT
) STRICT;

CREATE TRIGGER sessions_effects_insert AFTER INSERT ON sessions BEGIN
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

CREATE TRIGGER sessions_effects_update AFTER UPDATE OF effects ON sessions BEGIN
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

CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE INDEX sessions_user ON sessions (user_id, id);

CREATE TABLE tickets (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    -- Either.
    terminal_id TEXT,
    port INTEGER,
    read_only INTEGER NOT NULL,
    -- With what its maker was signed in: what it opens ends with that.
    session_id TEXT,
    api_token_id TEXT,
    token_hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;

CREATE INDEX tickets_expiry ON tickets (expires_at);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    email TEXT,
    role TEXT NOT NULL CHECK (role IN ('user', 'admin', 'superadmin')),
    status TEXT NOT NULL CHECK (status IN ('pending', 'active', 'suspended')),
    -- Why, in an administrator's words.
    status_reason TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    effects TEXT
) STRICT;

CREATE INDEX users_account ON users (account_id);

CREATE TRIGGER users_effects_insert AFTER INSERT ON users BEGIN
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

CREATE TRIGGER users_effects_update AFTER UPDATE OF effects ON users BEGIN
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

CREATE INDEX users_newest ON users (created_at, id);

CREATE INDEX users_status ON users (status, created_at, id);

CREATE INDEX users_superadmin ON users (created_at, id) WHERE role = 'superadmin' AND status = 'active';

CREATE TABLE workspace_steps (
    workspace_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    n INTEGER NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'done', 'skipped', 'failed')),
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    percent INTEGER,
    tail TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    entry_at INTEGER NOT NULL,
    effects TEXT,
    PRIMARY KEY (workspace_id, attempt, n)
) STRICT;

CREATE TRIGGER workspace_steps_effects_insert AFTER INSERT ON workspace_steps BEGIN
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

CREATE TRIGGER workspace_steps_effects_update AFTER UPDATE OF effects ON workspace_steps BEGIN
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

CREATE TABLE workspaces (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    node_id TEXT NOT NULL REFERENCES nodes (id),
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN
        ('queued', 'starting', 'running', 'stopping', 'stopped', 'failed', 'deleting', 'deleted')),
    -- What is wanted of the node, its number, and that of the newest start.
    desire TEXT NOT NULL CHECK (desire IN ('running', 'stopped', 'deleted')),
    generation INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    rebuild INTEGER NOT NULL,
    -- Grows over all workspaces of the node with each change of what is wanted, and is never behind the clock.
    desired_seq INTEGER NOT NULL,
    -- A name of `domain::workspaces::Cause`.
    cause TEXT,
    deadline_at INTEGER,
    failure_step TEXT,
    failure_message TEXT,
    running_since INTEGER,
    -- Not to be stopped for lack of activity before this.
    idle_check_at INTEGER,
    idle_stop_minutes INTEGER NOT NULL,
    repository TEXT,
    branch TEXT,
    shallow INTEGER NOT NULL,
    isolation TEXT CHECK (isolation IN ('docker', 'process')),
    image TEXT,
    cpu_milli INTEGER NOT NULL,
    memory_bytes INTEGER NOT NULL,
    pids INTEGER NOT NULL,
    -- Sealed by the vault: JSON of user name and password.
    git_credential BLOB,
    -- JSON of what the node tells beyond the status: isolation, image, branch, step, terminals, ports.
    observed TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    effects TEXT
) STRICT;

CREATE INDEX workspaces_account ON workspaces (account_id, id);

CREATE INDEX workspaces_deadline ON workspaces (deadline_at) WHERE deadline_at IS NOT NULL;

CREATE INDEX workspaces_deleted ON workspaces (updated_at) WHERE status = 'deleted';

CREATE TRIGGER workspaces_effects_insert AFTER INSERT ON workspaces BEGIN
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

CREATE TRIGGER workspaces_effects_update AFTER UPDATE OF effects ON workspaces BEGIN
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

CREATE INDEX workspaces_idle ON workspaces (idle_check_at) WHERE idle_check_at IS NOT NULL;

CREATE INDEX workspaces_node ON workspaces (node_id, desired_seq);

CREATE INDEX workspaces_user ON workspaces (user_id) WHERE status <> 'deleted';
