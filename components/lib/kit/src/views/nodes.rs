//! Nodes, as `workspaces` needs them: where one can go, and what its node says of it.

use sam_contract::agent::observed::ObservedWorkspace;
use sam_contract::ids::{AccountId, NodeId};
use sam_domain::nodes::Status;
use sam_domain::placement::Candidate;

use crate::db::{Db, DbError, Row};
use crate::params;

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView {
    /// Id.
    pub id: NodeId,
    /// Shown name.
    pub name: String,
    /// Where it is in its life.
    pub status: Status,
}

/// A node's newest report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportView {
    /// Whose node it is.
    pub account_id: AccountId,
    /// Where the node is in its life.
    pub status: Status,
    /// When it reported.
    pub seen_at: i64,
    /// What it told of workspaces.
    pub workspaces: Vec<ObservedWorkspace>,
}

/// A node of the account that is not deleted.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl Db, account: AccountId, id: NodeId) -> Result<Option<NodeView>, DbError> {
    let sql = "SELECT id, name, status FROM nodes WHERE id = ? AND account_id = ? AND status <> 'deleted'";
    let found = db.row(sql, params![id, account]).await?;
    let view = |row: Row| {
        Ok(NodeView {
            id: row.parse("id")?,
            name: row.get("name")?,
            status: row.decode("status", Status::named)?,
        })
    };
    found.map(view).transpose()
}

/// The account's nodes, as places for a new workspace.
///
/// # Errors
/// When the database fails.
pub async fn candidates(db: &impl Db, account: AccountId) -> Result<Vec<Candidate>, DbError> {
    let sql = "SELECT n.id, n.status, n.tunnel_epoch IS NOT NULL AS connected,
            coalesce(r.load ->> 'cpus', 0) AS cpus, coalesce(r.load ->> 'memory_total', 0) AS memory,
            (SELECT count(*) FROM workspaces w WHERE w.node_id = n.id AND w.status <> 'deleted') AS workspaces
        FROM nodes n LEFT JOIN node_reports r ON r.node_id = n.id
        WHERE n.account_id = ? AND n.status <> 'deleted'";
    let candidate = |row: &Row| {
        let memory: i64 = row.get("memory")?;
        Ok(Candidate {
            id: row.get("id")?,
            status: row.decode("status", Status::named)?,
            connected: row.get("connected")?,
            workspaces: row.get("workspaces")?,
            cpus: row.get("cpus")?,
            memory_bytes: u64::try_from(memory).unwrap_or_default(),
        })
    };
    db.query(sql, params![account]).await?.iter().map(candidate).collect()
}

/// The newest report of a node.
///
/// # Errors
/// When the database fails.
pub async fn report(db: &impl Db, id: NodeId) -> Result<Option<ReportView>, DbError> {
    let sql = "SELECT n.account_id, n.status, r.seen_at, r.workspaces
        FROM nodes n JOIN node_reports r ON r.node_id = n.id WHERE n.id = ?";
    let view = |row: Row| {
        Ok(ReportView {
            account_id: row.parse("account_id")?,
            status: row.decode("status", Status::named)?,
            seen_at: row.get("seen_at")?,
            workspaces: row.decode("workspaces", |json| serde_json::from_str(json).ok())?,
        })
    };
    db.row(sql, params![id]).await?.map(view).transpose()
}
