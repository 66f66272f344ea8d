//! Rows of `node_reports`: the newest report of each node.

use sam_contract::agent::observed::{Observed, ObservedWorkspace};
use sam_contract::ids::NodeId;
use sam_kit::db::{Db, DbError};
use sam_kit::effects::Written;
use sam_kit::error::ApiError;
use sam_kit::params;
use sha2::{Digest, Sha256};

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Something about workspaces is new, and the effects were written with it.
    News,
    /// The report is the newest, and says of workspaces what was known.
    Same,
    /// A newer one was here before.
    Late,
}

/// Keeps a report if none is newer. `news` are written only if what concerns workspaces differs from the report before.
pub async fn keep(db: &impl Db, node: NodeId, report: &Observed, now: i64, news: &Written) -> Result<Kept, ApiError> {
    let sql = "INSERT INTO node_reports (node_id, epoch, seq, generation, seen_at, load, warm, workspaces, digest, \
        effects) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
        ON CONFLICT (node_id) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq, \
            generation = excluded.generation, seen_at = excluded.seen_at, load = excluded.load, \
            warm = excluded.warm, workspaces = excluded.workspaces, digest = excluded.digest, \
            effects = CASE WHEN node_reports.digest = excluded.digest THEN NULL ELSE excluded.effects END \
        WHERE (excluded.epoch, excluded.seq) > (node_reports.epoch, node_reports.seq) \
        RETURNING effects IS NOT NULL AS news";
    let text = |value: Result<String, serde_json::Error>| value.map_err(|error| ApiError::internal(error.to_string()));
    let values = params![
        node,
        report.epoch,
        report.seq,
        report.generation,
        now,
        text(serde_json::to_string(&report.load))?,
        report.warm,
        text(serde_json::to_string(&report.workspaces))?,
        digest(&report.workspaces)?,
        news.column()
    ];
    let Some(row) = db.row(sql, values).await? else {
        return Ok(Kept::Late);
    };
    Ok(if row.get("news")? { Kept::News } else { Kept::Same })
}

/// Of what has to be looked at when it changes: all but the time of the last key press, which is read when needed.
fn digest(workspaces: &[ObservedWorkspace]) -> Result<[u8; 32], ApiError> {
    let mut still = workspaces.to_vec();
    for workspace in &mut still {
        workspace.active_at = None;
    }
    still.sort_by_key(|workspace| workspace.id);
    let text = serde_json::to_vec(&still).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(Sha256::digest(text).into())
}

/// Forgets the reports of nodes that are gone.
pub async fn prune(db: &impl Db) -> Result<(), DbError> {
    let sql = "DELETE FROM node_reports WHERE NOT EXISTS \
        (SELECT 1 FROM nodes n WHERE n.id = node_reports.node_id AND n.status <> 'deleted')";
    db.query(sql, params![]).await.map(drop)
}
