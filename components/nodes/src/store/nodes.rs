//! Rows of `nodes`.

use sam_contract::ids::{AccountId, NodeId};
use sam_domain::nodes::{Cause, Node, Status};
use sam_domain::secrets::SecretHash;
use sam_kit::db::{Db, DbError, Row};
use sam_kit::effects::Written;
use sam_kit::params;

/// How long a deleted node is kept, so that its agent can be told.
pub const KEEP_DELETED_MS: i64 = 30 * 86_400_000;

macro_rules! columns {
    () => {
        "n.id, n.account_id, n.name, n.is_local, n.status, n.draining, n.cause, n.deadline_at, n.tunnel_epoch, \
         n.public_key, n.enrol_expires_at, n.enrol_key, n.epoch, n.machine, n.created_at, n.version"
    };
}

macro_rules! shown {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            ", r.seen_at, r.load, r.warm, \
            (SELECT count(*) FROM workspaces w WHERE w.node_id = n.id AND w.status <> 'deleted') AS workspaces, \
            (SELECT json_group_array(value ->> 'id') FROM json_each(r.workspaces) \
             WHERE value ->> 'state' <> 'deleted' AND NOT EXISTS (SELECT 1 FROM workspaces w \
                WHERE w.id = value ->> 'id' AND w.node_id = n.id AND w.status <> 'deleted')) AS orphans \
            FROM nodes n LEFT JOIN node_reports r ON r.node_id = n.id "
        )
    };
}

/// A row of `nodes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRow {
    /// Id.
    pub id: NodeId,
    /// Whose.
    pub account_id: AccountId,
    /// Shown name.
    pub name: String,
    /// The machine that the control plane runs on.
    pub is_local: bool,
    /// What `domain` decides about.
    pub state: Node,
    /// Of its agent; none before a machine joined.
    pub public_key: Option<[u8; 32]>,
    /// Until when its newest command is valid.
    pub enrol_expires_at: Option<i64>,
    /// The key that has used that command.
    pub enrol_key: Option<[u8; 32]>,
    /// Of the newest process of its agent.
    pub epoch: i64,
    /// JSON of what the agent runs on.
    pub machine: Option<String>,
    /// Made.
    pub created_at: i64,
    /// Counts changes.
    pub version: i64,
}

/// A node with its newest report, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownRow {
    /// The node.
    pub node: NodeRow,
    /// When it reported.
    pub seen_at: Option<i64>,
    /// JSON of how busy it is.
    pub load: Option<String>,
    /// Containers that are ready.
    pub warm: u32,
    /// Workspaces that are not deleted.
    pub workspaces: u32,
    /// JSON list of ids that only the node knows.
    pub orphans: Option<String>,
}

/// The node of that id, deleted ones too: for the host, for agents and for work.
pub async fn find(db: &impl Db, id: NodeId) -> Result<Option<NodeRow>, DbError> {
    let sql = concat!("SELECT ", columns!(), " FROM nodes n WHERE n.id = ?");
    db.row(sql, params![id]).await?.as_ref().map(node).transpose()
}

/// The node that a command was made for.
pub async fn by_command(db: &impl Db, hash: SecretHash) -> Result<Option<NodeRow>, DbError> {
    let sql = concat!("SELECT ", columns!(), " FROM nodes n WHERE n.enrol_hash = ?");
    db.row(sql, params![hash]).await?.as_ref().map(node).transpose()
}

/// The host's own machine.
pub async fn local(db: &impl Db) -> Result<Option<NodeRow>, DbError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM nodes n WHERE n.is_local = 1 AND n.status <> 'deleted'"
    );
    db.row(sql, params![]).await?.as_ref().map(node).transpose()
}

/// A node of the account, with its report.
pub async fn show(db: &impl Db, account: AccountId, id: NodeId) -> Result<Option<ShownRow>, DbError> {
    let sql = concat!(
        shown!(),
        "WHERE n.id = ? AND n.account_id = ? AND n.status <> 'deleted'"
    );
    db.row(sql, params![id, account])
        .await?
        .as_ref()
        .map(shown_row)
        .transpose()
}

/// The account's nodes, newest first, before the one of that id.
pub async fn list(db: &impl Db, account: AccountId, before: &str, rows: u32) -> Result<Vec<ShownRow>, DbError> {
    let sql = concat!(
        shown!(),
        "WHERE n.account_id = ? AND n.status <> 'deleted' AND n.id < ? ORDER BY n.id DESC LIMIT ?"
    );
    let found = db.query(sql, params![account, before, rows]).await?;
    found.iter().map(shown_row).collect()
}

/// Makes a node, unless the account has as many as it may. False then.
pub async fn insert(
    db: &impl Db,
    row: &NodeRow,
    hash: SecretHash,
    nodes_max: i64,
    effects: &Written,
) -> Result<bool, DbError> {
    let sql = "INSERT INTO nodes (id, account_id, name, is_local, status, deadline_at, enrol_hash, enrol_expires_at, \
        created_at, updated_at, effects) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10 \
        WHERE (SELECT count(*) FROM nodes WHERE account_id = ?2 AND status <> 'deleted') < ?11 RETURNING id";
    let values = params![
        row.id,
        row.account_id,
        row.name.as_str(),
        row.is_local,
        row.state.status.as_str(),
        row.state.deadline_at,
        hash,
        row.enrol_expires_at,
        row.created_at,
        effects.column(),
        nodes_max
    ];
    Ok(!db.query(sql, values).await?.is_empty())
}

/// What a change writes besides the state; none leaves a column as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// New name.
    pub name: Option<String>,
    /// Epoch of a new process.
    pub epoch: Option<i64>,
    /// JSON of what the agent runs on.
    pub machine: Option<String>,
    /// A new command, and until when it is valid.
    pub command: Option<(SecretHash, i64)>,
    /// The key of the machine that joins.
    pub key: Option<[u8; 32]>,
    /// Only if the node has no workspaces at this very moment.
    pub only_if_empty: bool,
}

/// Writes a change with its effects, if the row is still as it was decided about.
pub async fn change(
    db: &impl Db,
    was: &NodeRow,
    next: &Node,
    change: &Change,
    now: i64,
    effects: &Written,
) -> Result<bool, DbError> {
    let sql = "UPDATE nodes SET status = ?1, draining = ?2, cause = ?3, deadline_at = ?4, tunnel_epoch = ?5, \
        name = coalesce(?6, name), epoch = coalesce(?7, epoch), machine = coalesce(?8, machine), \
        enrol_key = CASE WHEN ?9 IS NOT NULL THEN NULL ELSE coalesce(?11, enrol_key) END, \
        enrol_hash = coalesce(?9, enrol_hash), enrol_expires_at = coalesce(?10, enrol_expires_at), \
        public_key = coalesce(?11, public_key), updated_at = ?12, effects = ?13, version = version + 1 \
        WHERE id = ?14 AND version = ?15 AND (?16 = 0 OR NOT EXISTS \
            (SELECT 1 FROM workspaces WHERE node_id = ?14 AND status <> 'deleted')) RETURNING id";
    let (hash, expires_at) = change.command.unzip();
    let values = params![
        next.status.as_str(),
        next.draining,
        next.cause.map(Cause::as_str),
        next.deadline_at,
        next.tunnel_epoch,
        change.name.as_deref(),
        change.epoch,
        change.machine.as_deref(),
        hash,
        expires_at,
        change.key,
        now,
        effects.column(),
        was.id,
        was.version,
        change.only_if_empty
    ];
    Ok(!db.query(sql, values).await?.is_empty())
}

/// Nodes for which time has brought something: a deadline, or too long a silence.
pub async fn overdue(
    db: &impl Db,
    now: i64,
    seen_before: i64,
    rows: u32,
) -> Result<Vec<(NodeRow, Option<i64>)>, DbError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        ", r.seen_at FROM nodes n LEFT JOIN node_reports r ON r.node_id = n.id WHERE n.id IN ( \
            SELECT id FROM nodes WHERE deadline_at IS NOT NULL AND deadline_at <= ?1 AND status <> 'deleted' \
            UNION SELECT node_id FROM node_reports WHERE seen_at <= ?2) \
          AND (n.deadline_at <= ?1 OR n.status IN ('ready', 'draining')) LIMIT ?3"
    );
    let read = |row: &Row| Ok((node(row)?, row.get("seen_at")?));
    db.query(sql, params![now, seen_before, rows])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Forgets nodes that were deleted long ago and that no workspace names any more.
pub async fn prune(db: &impl Db, now: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM nodes WHERE status = 'deleted' AND updated_at < ? \
        AND NOT EXISTS (SELECT 1 FROM workspaces w WHERE w.node_id = nodes.id)";
    db.query(sql, params![now - KEEP_DELETED_MS]).await.map(drop)
}

fn node(row: &Row) -> Result<NodeRow, DbError> {
    let cause: Option<String> = row.get("cause")?;
    Ok(NodeRow {
        id: row.parse("id")?,
        account_id: row.parse("account_id")?,
        name: row.get("name")?,
        is_local: row.get("is_local")?,
        state: Node {
            status: row.decode("status", Status::named)?,
            draining: row.get("draining")?,
            cause: cause.as_deref().and_then(Cause::named),
            deadline_at: row.get("deadline_at")?,
            tunnel_epoch: row.get("tunnel_epoch")?,
        },
        public_key: row.get("public_key")?,
        enrol_expires_at: row.get("enrol_expires_at")?,
        enrol_key: row.get("enrol_key")?,
        epoch: row.get("epoch")?,
        machine: row.get("machine")?,
        created_at: row.get("created_at")?,
        version: row.get("version")?,
    })
}

fn shown_row(row: &Row) -> Result<ShownRow, DbError> {
    Ok(ShownRow {
        node: node(row)?,
        seen_at: row.get("seen_at")?,
        load: row.get("load")?,
        warm: row.get::<Option<u32>>("warm")?.unwrap_or_default(),
        workspaces: row.get("workspaces")?,
        orphans: row.get("orphans")?,
    })
}
