//! Workspaces, as `nodes` needs them: what is wanted of a node.

use sam_contract::agent::desired::{DesiredState, DesiredWorkspace, Isolation, Limits, Repository};
use sam_contract::ids::NodeId;
use sam_domain::workspaces::Desire;

use crate::db::{Db, DbError, Row};
use crate::params;

/// The number of the newest change of what is wanted of a node; 0 before the first. Read it before [`wishes`]: a wish
/// that is newer than its number is told twice, one that is older would be missed.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &impl Db, node: NodeId) -> Result<i64, DbError> {
    let sql = "SELECT coalesce(max(desired_seq), 0) AS seq FROM workspaces WHERE node_id = ?";
    db.row(sql, params![node]).await?.map_or(Ok(0), |row| row.get("seq"))
}

/// What is wanted of a node: every workspace of it that exists, and those that are being deleted.
///
/// # Errors
/// When the database fails.
pub async fn wishes(db: &impl Db, node: NodeId) -> Result<Vec<DesiredWorkspace>, DbError> {
    let sql = "SELECT id, name, desire, generation, attempt, rebuild, repository, branch, shallow,
            git_credential IS NOT NULL AS has_credential, isolation, image, cpu_milli, memory_bytes, pids
        FROM workspaces WHERE node_id = ? AND status <> 'deleted' ORDER BY id";
    db.query(sql, params![node]).await?.iter().map(wish).collect()
}

fn wish(row: &Row) -> Result<DesiredWorkspace, DbError> {
    let url: Option<String> = row.get("repository")?;
    let (branch, shallow, has_credential) = (row.get("branch")?, row.get("shallow")?, row.get("has_credential")?);
    let repository = url.map(|url| Repository {
        url,
        branch,
        shallow,
        has_credential,
    });
    let isolation: Option<String> = row.get("isolation")?;
    let memory: i64 = row.get("memory_bytes")?;
    Ok(DesiredWorkspace {
        id: row.parse("id")?,
        generation: row.get("generation")?,
        attempt: row.get("attempt")?,
        rebuild: row.get("rebuild")?,
        state: match row.decode("desire", Desire::named)? {
            Desire::Running => DesiredState::Running,
            Desire::Stopped => DesiredState::Stopped,
            Desire::Deleted => DesiredState::Deleted,
        },
        name: row.get("name")?,
        repository,
        isolation: isolation.as_deref().and_then(self::isolation),
        image: row.get("image")?,
        limits: Limits {
            cpu_milli: row.get("cpu_milli")?,
            memory_bytes: u64::try_from(memory).unwrap_or_default(),
            pids: row.get("pids")?,
        },
    })
}

/// The isolation of that name, as stored.
pub fn isolation(name: &str) -> Option<Isolation> {
    match name {
        "docker" => Some(Isolation::Docker),
        "process" => Some(Isolation::Process),
        _ => None,
    }
}

/// As stored.
pub const fn isolation_name(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::Docker => "docker",
        Isolation::Process => "process",
    }
}
