//! Rows of `workspace_steps`: what nodes tell of the starts of their workspaces.

use sam_contract::agent::outbox::{Entry, Step, StepStatus, TAIL_BYTES_MAX, What};
use sam_contract::http::workspaces::BootStep;
use sam_contract::ids::{AccountId, NodeId, WorkspaceId};
use sam_domain::effects::Effects;
use sam_kit::db::{Db, DbError, Row};
use sam_kit::effects::{self, Cause};
use sam_kit::error::ApiError;
use sam_kit::params;
use serde_json::{Value as Json, json};

/// Steps of one start that are kept.
const STEPS_MAX: u32 = 64;

/// Longest kept name of a step, in characters.
const NAME_CHARS_MAX: usize = 60;

/// As stored.
pub const fn status_name(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Running => "running",
        StepStatus::Done => "done",
        StepStatus::Skipped => "skipped",
        StepStatus::Failed => "failed",
    }
}

fn status(name: &str) -> Option<StepStatus> {
    let all = [
        StepStatus::Running,
        StepStatus::Done,
        StepStatus::Skipped,
        StepStatus::Failed,
    ];
    all.into_iter().find(|status| status_name(*status) == name)
}

/// Keeps what a node tells, in one statement. Only of workspaces that are on it; an entry that was taken before, or is
/// older than what is known of its step, changes nothing and tells nobody. Of two in the same millisecond, an end comes
/// after what was under way. True when there was news.
///
/// # Errors
/// When the database fails.
pub async fn keep(
    db: &impl Db,
    node: NodeId,
    account: AccountId,
    entries: &[Entry],
    now: i64,
) -> Result<bool, ApiError> {
    let sql = "INSERT INTO workspace_steps (workspace_id, attempt, n, name, status, started_at, ended_at, percent, tail, \
        entry_id, entry_at, effects) \
        SELECT w.id, e.value ->> 'attempt', e.value ->> 'n', e.value ->> 'name', e.value ->> 'status', \
            e.value ->> 'started_at', e.value ->> 'ended_at', e.value ->> 'percent', e.value ->> 'tail', \
            e.value ->> 'entry', e.value ->> 'at', e.value ->> 'effects' \
        FROM json_each(?1) e JOIN workspaces w ON w.id = e.value ->> 'workspace' AND w.node_id = ?2 \
        WHERE true ORDER BY e.key \
        ON CONFLICT (workspace_id, attempt, n) DO UPDATE SET name = excluded.name, status = excluded.status, \
            started_at = excluded.started_at, ended_at = excluded.ended_at, percent = excluded.percent, \
            tail = excluded.tail, entry_id = excluded.entry_id, entry_at = excluded.entry_at, \
            effects = excluded.effects \
        WHERE excluded.entry_at > workspace_steps.entry_at OR (excluded.entry_at = workspace_steps.entry_at \
            AND excluded.entry_id <> workspace_steps.entry_id AND workspace_steps.status = 'running') \
        RETURNING n";
    let cause = Cause {
        now,
        account,
        actor: None,
        request: None,
    };
    let mut list = Vec::new();
    for entry in entries {
        if let What::Step(step) = &entry.what {
            list.extend(row(entry, step, &cause)?);
        }
    }
    if list.is_empty() {
        return Ok(false);
    }
    let told = db.query(sql, params![Json::Array(list).to_string(), node]).await?;
    Ok(!told.is_empty())
}

fn row(entry: &Entry, step: &Step, cause: &Cause) -> Result<Option<Json>, ApiError> {
    if step.n >= STEPS_MAX || step.attempt < 1 {
        return Ok(None);
    }
    let name: String = step.name.chars().take(NAME_CHARS_MAX).collect();
    let news = Effects::event(
        "workspace.step",
        1,
        vec![
            ("workspace_id", step.workspace.to_string().into()),
            ("attempt", step.attempt.into()),
            ("step", name.clone().into()),
            ("status", status_name(step.status).into()),
        ],
    );
    let written = effects::write(&news, cause)?;
    Ok(Some(json!({
        "workspace": step.workspace, "attempt": step.attempt, "n": step.n, "name": name,
        "status": status_name(step.status), "started_at": step.started_at, "ended_at": step.ended_at,
        "percent": step.percent.map(|percent| percent.min(100)), "tail": tail(&step.tail), "entry": entry.id,
        "at": entry.at, "effects": written.text(),
    })))
}

/// The end of a text that is too long, from a whole character on.
fn tail(text: &str) -> &str {
    let mut from = text.len().saturating_sub(TAIL_BYTES_MAX);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..).unwrap_or_default()
}

/// The steps of a start, in order.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &impl Db, workspace: WorkspaceId, attempt: i64) -> Result<Vec<BootStep>, DbError> {
    let sql = "SELECT name, status, started_at, ended_at, percent, tail FROM workspace_steps \
        WHERE workspace_id = ? AND attempt = ? ORDER BY n";
    let read = |row: &Row| {
        Ok(BootStep {
            name: row.get("name")?,
            status: row.decode("status", status)?,
            started_at: row.get("started_at")?,
            ended_at: row.get("ended_at")?,
            percent: row
                .get::<Option<u32>>("percent")?
                .and_then(|percent| u8::try_from(percent).ok()),
            tail: row.get("tail")?,
        })
    };
    db.query(sql, params![workspace, attempt])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Forgets the steps of workspaces that are forgotten.
///
/// # Errors
/// When the database fails.
pub async fn prune(db: &impl Db) -> Result<(), DbError> {
    let sql = "DELETE FROM workspace_steps WHERE NOT EXISTS \
        (SELECT 1 FROM workspaces w WHERE w.id = workspace_steps.workspace_id)";
    db.query(sql, params![]).await.map(drop)
}
