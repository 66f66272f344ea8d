-- Workspaces, see `domain::workspaces`, and who may open what in them. Secrets are stored as SHA-256 only.

CREATE TABLE IF NOT EXISTS workspaces (
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

CREATE INDEX IF NOT EXISTS workspaces_account ON workspaces (account_id, id);

CREATE INDEX IF NOT EXISTS workspaces_node ON workspaces (node_id, desired_seq);

CREATE INDEX IF NOT EXISTS workspaces_user ON workspaces (user_id) WHERE status <> 'deleted';

CREATE INDEX IF NOT EXISTS workspaces_deadline ON workspaces (deadline_at) WHERE deadline_at IS NOT NULL;

CREATE INDEX IF NOT EXISTS workspaces_idle ON workspaces (idle_check_at) WHERE idle_check_at IS NOT NULL;

CREATE INDEX IF NOT EXISTS workspaces_deleted ON workspaces (updated_at) WHERE status = 'deleted';

-- The steps of each start. The node tells them, in entries with ids and times; the newest entry of a step is kept.
CREATE TABLE IF NOT EXISTS workspace_steps (
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

-- One-time permissions to open a terminal or a port. `used_at` is set at most once, by one conditional statement.
CREATE TABLE IF NOT EXISTS tickets (
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

CREATE INDEX IF NOT EXISTS tickets_expiry ON tickets (expires_at);

-- Cookies with which one browser uses one port of one workspace.
CREATE TABLE IF NOT EXISTS port_sessions (
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

CREATE INDEX IF NOT EXISTS port_sessions_expiry ON port_sessions (expires_at);

CREATE TRIGGER IF NOT EXISTS workspaces_effects_insert AFTER INSERT ON workspaces BEGIN
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

CREATE TRIGGER IF NOT EXISTS workspaces_effects_update AFTER UPDATE OF effects ON workspaces BEGIN
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

CREATE TRIGGER IF NOT EXISTS workspace_steps_effects_insert AFTER INSERT ON workspace_steps BEGIN
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

CREATE TRIGGER IF NOT EXISTS workspace_steps_effects_update AFTER UPDATE OF effects ON workspace_steps BEGIN
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
