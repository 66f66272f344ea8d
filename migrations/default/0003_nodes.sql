-- Machines that run workspaces, see `domain::nodes`.

CREATE TABLE IF NOT EXISTS nodes (
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

CREATE INDEX IF NOT EXISTS nodes_account ON nodes (account_id, id);

CREATE INDEX IF NOT EXISTS nodes_deadline ON nodes (deadline_at) WHERE deadline_at IS NOT NULL;

CREATE INDEX IF NOT EXISTS nodes_deleted ON nodes (updated_at) WHERE status = 'deleted';

CREATE UNIQUE INDEX IF NOT EXISTS nodes_local ON nodes (is_local) WHERE is_local = 1 AND status <> 'deleted';

-- The newest report of each node: one write each few seconds and node, which is why it is a row of its own. `effects` are
-- written only when what concerns workspaces has changed.
CREATE TABLE IF NOT EXISTS node_reports (
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

CREATE INDEX IF NOT EXISTS node_reports_seen ON node_reports (seen_at);

CREATE TRIGGER IF NOT EXISTS nodes_effects_insert AFTER INSERT ON nodes BEGIN
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

CREATE TRIGGER IF NOT EXISTS nodes_effects_update AFTER UPDATE OF effects ON nodes BEGIN
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

CREATE TRIGGER IF NOT EXISTS node_reports_effects_insert AFTER INSERT ON node_reports BEGIN
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

CREATE TRIGGER IF NOT EXISTS node_reports_effects_update AFTER UPDATE OF effects ON node_reports BEGIN
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
