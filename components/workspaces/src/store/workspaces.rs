//! Rows of `workspaces`.

use sam_contract::agent::desired::{Isolation, Limits};
use sam_contract::ids::{AccountId, NodeId, UserId, WorkspaceId};
use sam_domain::workspaces::{self as rules, Cause, Desire, Failure, Status, Workspace};
use sam_kit::db::{Db, DbError, Row};
use sam_kit::effects::Written;
use sam_kit::params;
use sam_kit::views::workspaces::{isolation, isolation_name};

/// How long a deleted workspace is kept, for whoever looks into a mishap.
pub const KEEP_DELETED_MS: i64 = 30 * 86_400_000;

macro_rules! columns {
    () => {
        "w.id, w.account_id, w.user_id, w.node_id, w.name, w.status, w.desire, w.generation, w.attempt, w.rebuild, \
         w.cause, w.deadline_at, w.failure_step, w.failure_message, w.running_since, w.idle_stop_minutes, \
         w.repository, w.branch, w.shallow, w.isolation, w.image, w.cpu_milli, w.memory_bytes, w.pids, w.observed, \
         w.created_at, w.version"
    };
}

macro_rules! shown {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            ", n.name AS node_name, n.status AS node_status, n.tunnel_epoch IS NOT NULL AS connected, \
            (SELECT value ->> 'active_at' FROM node_reports r, json_each(r.workspaces) \
             WHERE r.node_id = w.node_id AND value ->> 'id' = w.id) AS active_at \
            FROM workspaces w JOIN nodes n ON n.id = w.node_id "
        )
    };
}

/// What was asked for when a workspace was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Shown name.
    pub name: String,
    /// Git URL or path.
    pub repository: Option<String>,
    /// Branch to check out.
    pub branch: Option<String>,
    /// Only the newest commit.
    pub shallow: bool,
    /// How it is to be kept apart.
    pub isolation: Option<Isolation>,
    /// Image of the container.
    pub image: Option<String>,
    /// What it may use.
    pub limits: Limits,
    /// Minutes without activity after which it is stopped.
    pub idle_stop_minutes: u32,
}

/// A row of `workspaces`, without the credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceRow {
    /// Id.
    pub id: WorkspaceId,
    /// Whose.
    pub account_id: AccountId,
    /// Who made it.
    pub user_id: UserId,
    /// On which node.
    pub node_id: NodeId,
    /// What was asked for.
    pub spec: Spec,
    /// What `domain` decides about.
    pub state: Workspace,
    /// JSON of what the node tells beyond the status.
    pub observed: String,
    /// Made.
    pub created_at: i64,
    /// Counts changes.
    pub version: i64,
}

/// A workspace as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownRow {
    /// The workspace.
    pub workspace: WorkspaceRow,
    /// Name of its node.
    pub node_name: String,
    /// Whether the node reports.
    pub node_is_heard: bool,
    /// Whether the node's tunnel is open.
    pub connected: bool,
    /// Last terminal input or agent work.
    pub active_at: Option<i64>,
}

/// How many workspaces there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// On one node.
    pub per_node: i64,
    /// Of one user.
    pub per_user: i64,
}

/// The workspace of that id, deleted ones too: for agents, the edge and work.
pub async fn find(db: &impl Db, id: WorkspaceId) -> Result<Option<WorkspaceRow>, DbError> {
    let sql = concat!("SELECT ", columns!(), " FROM workspaces w WHERE w.id = ?");
    db.row(sql, params![id]).await?.as_ref().map(workspace).transpose()
}

/// A workspace of the account, also when it was just deleted.
pub async fn show(db: &impl Db, account: AccountId, id: WorkspaceId) -> Result<Option<ShownRow>, DbError> {
    let sql = concat!(shown!(), "WHERE w.id = ? AND w.account_id = ?");
    db.row(sql, params![id, account])
        .await?
        .as_ref()
        .map(shown_row)
        .transpose()
}

/// The account's workspaces that are not deleted, newest first, before the one of that id.
pub async fn list(
    db: &impl Db,
    account: AccountId,
    node: Option<NodeId>,
    before: &str,
    rows: u32,
) -> Result<Vec<ShownRow>, DbError> {
    let sql = concat!(
        shown!(),
        "WHERE w.account_id = ?1 AND w.status <> 'deleted' AND (?2 IS NULL OR w.node_id = ?2) AND w.id < ?3 \
          ORDER BY w.id DESC LIMIT ?4"
    );
    let found = db.query(sql, params![account, node, before, rows]).await?;
    found.iter().map(shown_row).collect()
}

/// The workspaces of a node that are not deleted.
pub async fn of_node(db: &impl Db, node: NodeId) -> Result<Vec<WorkspaceRow>, DbError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM workspaces w WHERE w.node_id = ? AND w.status <> 'deleted'"
    );
    db.query(sql, params![node]).await?.iter().map(workspace).collect()
}

/// Makes a workspace if, at this very moment, its node is ready and of the account, and the limits leave room. False
/// when not.
pub async fn insert(
    db: &impl Db,
    row: &WorkspaceRow,
    credential: Option<Vec<u8>>,
    caps: Caps,
    effects: &Written,
) -> Result<bool, DbError> {
    let sql = "INSERT INTO workspaces (id, account_id, user_id, node_id, name, status, desire, generation, attempt, \
        rebuild, desired_seq, deadline_at, idle_stop_minutes, repository, branch, shallow, isolation, image, cpu_milli, \
        memory_bytes, pids, git_credential, created_at, updated_at, effects) \
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, \
            max(?10, 1 + (SELECT coalesce(max(desired_seq), 0) FROM workspaces WHERE node_id = ?4)), \
            ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?10, ?10, ?22 \
        WHERE EXISTS (SELECT 1 FROM nodes WHERE id = ?4 AND account_id = ?2 AND status = 'ready') \
            AND (SELECT count(*) FROM workspaces WHERE node_id = ?4 AND status <> 'deleted') < ?23 \
            AND (SELECT count(*) FROM workspaces WHERE user_id = ?3 AND status <> 'deleted') < ?24 RETURNING id";
    let (state, spec) = (&row.state, &row.spec);
    let values = params![
        row.id,
        row.account_id,
        row.user_id,
        row.node_id,
        spec.name.as_str(),
        state.status.as_str(),
        state.desire.as_str(),
        state.generation,
        state.attempt,
        row.created_at,
        state.deadline_at,
        spec.idle_stop_minutes,
        spec.repository.as_deref(),
        spec.branch.as_deref(),
        spec.shallow,
        spec.isolation.map(isolation_name),
        spec.image.as_deref(),
        spec.limits.cpu_milli,
        i64::try_from(spec.limits.memory_bytes).unwrap_or(i64::MAX),
        spec.limits.pids,
        credential,
        effects.column(),
        caps.per_node,
        caps.per_user
    ];
    Ok(!db.query(sql, values).await?.is_empty())
}

/// Workspaces of a node and of a user that are not deleted: says which limit it was.
pub async fn counts(db: &impl Db, node: NodeId, user: UserId) -> Result<(i64, i64), DbError> {
    let sql = "SELECT (SELECT count(*) FROM workspaces WHERE node_id = ?1 AND status <> 'deleted') AS node, \
        (SELECT count(*) FROM workspaces WHERE user_id = ?2 AND status <> 'deleted') AS user";
    let row = db.row(sql, params![node, user]).await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.get("node")?, row.get("user")?)))
}

/// A change of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its next state.
    pub state: Workspace,
    /// Shown name.
    pub name: String,
    /// Minutes without activity after which it is stopped.
    pub idle_stop_minutes: u32,
    /// JSON of what the node tells.
    pub observed: String,
}

impl Change {
    /// Nothing yet.
    #[must_use]
    pub fn none(row: &WorkspaceRow) -> Self {
        Self {
            state: row.state.clone(),
            name: row.spec.name.clone(),
            idle_stop_minutes: row.spec.idle_stop_minutes,
            observed: row.observed.clone(),
        }
    }

    /// Whether the node has to be told. A container is named after its workspace, so a name counts.
    #[must_use]
    pub fn concerns_node(&self, row: &WorkspaceRow) -> bool {
        rules::wish_changed(&row.state, &self.state) || self.name != row.spec.name
    }
}

/// Writes a change with its effects, if the row is still as it was decided about.
pub async fn change(
    db: &impl Db,
    was: &WorkspaceRow,
    next: &Change,
    now: i64,
    effects: &Written,
) -> Result<bool, DbError> {
    let sql = "UPDATE workspaces SET status = ?1, desire = ?2, generation = ?3, attempt = ?4, rebuild = ?5, cause = ?6, \
        deadline_at = ?7, failure_step = ?8, failure_message = ?9, running_since = ?10, idle_check_at = ?11, \
        name = ?12, idle_stop_minutes = ?13, observed = ?14, \
        desired_seq = CASE WHEN ?15 THEN \
            max(?16, 1 + (SELECT max(o.desired_seq) FROM workspaces o WHERE o.node_id = workspaces.node_id)) \
            ELSE desired_seq END, \
        git_credential = CASE WHEN ?1 = 'deleted' THEN NULL ELSE git_credential END, \
        updated_at = ?16, effects = ?17, version = version + 1 WHERE id = ?18 AND version = ?19 RETURNING id";
    let state = &next.state;
    let failure = state.failure.as_ref();
    let values = params![
        state.status.as_str(),
        state.desire.as_str(),
        state.generation,
        state.attempt,
        state.rebuild,
        state.cause.map(Cause::as_str),
        state.deadline_at,
        failure.map(|failure| failure.step.as_str()),
        failure.map(|failure| failure.message.as_str()),
        state.running_since,
        rules::idle_stop_at(state.running_since, None, next.idle_stop_minutes),
        next.name.as_str(),
        next.idle_stop_minutes,
        next.observed.as_str(),
        next.concerns_node(was),
        now,
        effects.column(),
        was.id,
        was.version
    ];
    Ok(!db.query(sql, values).await?.is_empty())
}

/// Workspaces whose status has waited long enough.
pub async fn overdue(db: &impl Db, now: i64, rows: u32) -> Result<Vec<WorkspaceRow>, DbError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM workspaces w WHERE w.deadline_at IS NOT NULL AND w.deadline_at <= ? LIMIT ?"
    );
    db.query(sql, params![now, rows]).await?.iter().map(workspace).collect()
}

/// Running workspaces that may have been idle for long enough.
pub async fn maybe_idle(db: &impl Db, now: i64, rows: u32) -> Result<Vec<WorkspaceRow>, DbError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM workspaces w WHERE w.idle_check_at IS NOT NULL AND w.idle_check_at <= ? LIMIT ?"
    );
    db.query(sql, params![now, rows]).await?.iter().map(workspace).collect()
}

/// Looks again later. No news: nobody sees when it is looked.
pub async fn postpone_idle(db: &impl Db, row: &WorkspaceRow, at: i64) -> Result<(), DbError> {
    let sql = "UPDATE workspaces SET idle_check_at = ? WHERE id = ? AND version = ? AND idle_check_at IS NOT NULL";
    db.query(sql, params![at, row.id, row.version]).await.map(drop)
}

/// The sealed credential of a workspace.
pub async fn credential(db: &impl Db, id: WorkspaceId) -> Result<Option<Vec<u8>>, DbError> {
    let sql = "SELECT git_credential FROM workspaces WHERE id = ?";
    let row = db.row(sql, params![id]).await?;
    row.map_or(Ok(None), |row| row.get("git_credential"))
}

/// Forgets workspaces that were deleted long ago.
pub async fn prune(db: &impl Db, now: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM workspaces WHERE status = 'deleted' AND updated_at < ?";
    db.query(sql, params![now - KEEP_DELETED_MS]).await.map(drop)
}

fn workspace(row: &Row) -> Result<WorkspaceRow, DbError> {
    let cause: Option<String> = row.get("cause")?;
    let failed: Option<String> = row.get("failure_step")?;
    let message: Option<String> = row.get("failure_message")?;
    let kept_apart: Option<String> = row.get("isolation")?;
    let memory: i64 = row.get("memory_bytes")?;
    Ok(WorkspaceRow {
        id: row.parse("id")?,
        account_id: row.parse("account_id")?,
        user_id: row.parse("user_id")?,
        node_id: row.parse("node_id")?,
        spec: Spec {
            name: row.get("name")?,
            repository: row.get("repository")?,
            branch: row.get("branch")?,
            shallow: row.get("shallow")?,
            isolation: kept_apart.as_deref().and_then(isolation),
            image: row.get("image")?,
            limits: Limits {
                cpu_milli: row.get("cpu_milli")?,
                memory_bytes: u64::try_from(memory).unwrap_or_default(),
                pids: row.get("pids")?,
            },
            idle_stop_minutes: row.get("idle_stop_minutes")?,
        },
        state: Workspace {
            status: row.decode("status", Status::named)?,
            desire: row.decode("desire", Desire::named)?,
            generation: row.get("generation")?,
            attempt: row.get("attempt")?,
            rebuild: row.get("rebuild")?,
            cause: cause.as_deref().and_then(Cause::named),
            deadline_at: row.get("deadline_at")?,
            failure: failed.map(|step| Failure {
                step,
                message: message.unwrap_or_default(),
            }),
            running_since: row.get("running_since")?,
        },
        observed: row.get("observed")?,
        created_at: row.get("created_at")?,
        version: row.get("version")?,
    })
}

fn shown_row(row: &Row) -> Result<ShownRow, DbError> {
    Ok(ShownRow {
        workspace: workspace(row)?,
        node_name: row.get("node_name")?,
        node_is_heard: row.decode("node_status", sam_domain::nodes::Status::named)?.is_heard(),
        connected: row.get("connected")?,
        active_at: row.get("active_at")?,
    })
}
