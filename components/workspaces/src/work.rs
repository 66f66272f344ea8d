//! The queue `workspaces`: what nodes report, and what time brings.

use sam_contract::ids::NodeId;
use sam_domain::nodes::NODE_GONE;
use sam_domain::workspaces::{self as rules, Event};
use sam_kit::db::{CORE, Db};
use sam_kit::effects::{self, Cause};
use sam_kit::error::ApiError;
use sam_kit::jobs::{Done, Job, Stepped};
use sam_kit::reply::Wake;
use sam_kit::views::nodes;
use sam_kit::{clock, seal};
use serde::Deserialize;

use crate::inside::{self, Inside};
use crate::routes::people::start_ms;
use crate::store::workspaces::{self, Change, WorkspaceRow};
use crate::store::{admissions, steps};

/// The kinds and keys of the recurring jobs, beside `kit::seal`'s.
pub(crate) const WATCH: &str = "watch";
pub(crate) const PRUNE: &str = "prune";

/// Often enough for tickets and cookies that are over, and for rows that are kept for a month.
const PRUNE_EVERY_MS: i64 = 3_600_000;

/// The kind of the job that `nodes` writes with a report.
const RECONCILE: &str = "reconcile";

/// How soon a deadline is noticed.
const WATCH_EVERY_MS: i64 = 5_000;

/// Rows looked at in one run; more wait for the next, which follows at once.
const ROWS: u32 = 200;

/// A report that is older says too little of activity: who stopped a workspace then would stop someone's work.
const REPORT_FRESH_MS: i64 = 60_000;

/// When idleness cannot be told now, it is looked at again.
const IDLE_AGAIN_MS: i64 = 60_000;

/// Tries to write a change before the job is tried again as a whole.
const TRIES: u32 = 3;

/// What jobs of nodes carry.
#[derive(Deserialize)]
struct OfNode {
    node_id: NodeId,
}

/// One job. Each can be repeated without harm.
pub(crate) async fn step(job: Job) -> Result<Stepped, ApiError> {
    let node = || {
        serde_json::from_str::<OfNode>(&job.payload)
            .map(|of| of.node_id)
            .map_err(|error| ApiError::internal(format!("payload of job {}: {error}", job.key)))
    };
    match job.kind.as_str() {
        RECONCILE => reconcile(&CORE, node()?, start_ms().await?, clock::now()).await,
        NODE_GONE => forget(&CORE, node()?, clock::now()).await,
        WATCH => watch(&CORE, start_ms().await?, clock::now()).await,
        PRUNE => prune(&CORE, clock::now()).await,
        seal::RESEAL => seal::reseal(&CORE, "workspaces").await.map(Stepped::from),
        other => Err(ApiError::internal(format!(
            "queue `workspaces` knows no work of kind `{other}`"
        ))),
    }
}

/// Makes of a node's newest report what its workspaces are.
///
/// # Errors
/// When the database fails, or a row changes too often to be written.
pub async fn reconcile(db: &impl Db, node: NodeId, start_ms: i64, now: i64) -> Result<Stepped, ApiError> {
    let mut wakes = Vec::new();
    if let Some(report) = nodes::report(db, node).await? {
        for row in workspaces::of_node(db, node).await? {
            let Some(seen) = report.workspaces.iter().find(|seen| seen.id == row.id) else {
                continue;
            };
            let decide = |row: &WorkspaceRow| {
                let state = rules::step(&row.state, Event::Reported(inside::word(seen)), now, start_ms);
                Change {
                    state: state.unwrap_or_else(|_| row.state.clone()),
                    observed: Inside::of(seen).json(),
                    ..Change::none(row)
                }
            };
            alter(db, row, now, decide, &mut wakes).await?;
        }
    }
    Ok(finished(Done::Finished, wakes))
}

/// Ends the workspaces of a node that was forgotten.
///
/// # Errors
/// As [`reconcile`].
pub async fn forget(db: &impl Db, node: NodeId, now: i64) -> Result<Stepped, ApiError> {
    let mut wakes = Vec::new();
    for row in workspaces::of_node(db, node).await? {
        alter(
            db,
            row,
            now,
            |row| stepped(row, Event::NodeForgotten, now, 0),
            &mut wakes,
        )
        .await?;
    }
    Ok(finished(Done::Finished, wakes))
}

/// Forgets what was kept long enough.
///
/// # Errors
/// When the database fails.
pub async fn prune(db: &impl Db, now: i64) -> Result<Stepped, ApiError> {
    admissions::prune(db, now).await?;
    workspaces::prune(db, now).await?;
    steps::prune(db).await?;
    Ok(Done::AgainIn(PRUNE_EVERY_MS).into())
}

/// Lets time pass: deadlines and idleness.
///
/// # Errors
/// As [`reconcile`].
pub async fn watch(db: &impl Db, start_ms: i64, now: i64) -> Result<Stepped, ApiError> {
    let mut wakes = Vec::new();
    let overdue = workspaces::overdue(db, now, ROWS).await?;
    let idle = workspaces::maybe_idle(db, now, ROWS).await?;
    let more = overdue.len().max(idle.len()) >= usize::try_from(ROWS).unwrap_or(usize::MAX);
    for row in overdue {
        let tick = |row: &WorkspaceRow| {
            let step = Inside::read(&row.observed).step;
            stepped(row, Event::Tick { step }, now, start_ms)
        };
        alter(db, row, now, tick, &mut wakes).await?;
    }
    for row in idle {
        stop_if_idle(db, row, now, &mut wakes).await?;
    }
    Ok(finished(Done::AgainIn(if more { 0 } else { WATCH_EVERY_MS }), wakes))
}

async fn stop_if_idle(db: &impl Db, row: WorkspaceRow, now: i64, wakes: &mut Vec<Wake>) -> Result<(), ApiError> {
    let report = nodes::report(db, row.node_id).await?;
    let fresh = report.filter(|report| report.status.is_heard() && now - report.seen_at < REPORT_FRESH_MS);
    let Some(report) = fresh else {
        return Ok(workspaces::postpone_idle(db, &row, now + IDLE_AGAIN_MS).await?);
    };
    let active_at = report
        .workspaces
        .iter()
        .find(|seen| seen.id == row.id)
        .and_then(|seen| seen.active_at);
    match rules::idle_stop_at(row.state.running_since, active_at, row.spec.idle_stop_minutes) {
        Some(at) if at <= now => alter(db, row, now, |row| stepped(row, Event::Idle, now, 0), wakes).await,
        Some(at) => Ok(workspaces::postpone_idle(db, &row, at).await?),
        None => Ok(()),
    }
}

fn stepped(row: &WorkspaceRow, event: Event, now: i64, start_ms: i64) -> Change {
    let state = rules::step(&row.state, event, now, start_ms);
    Change {
        state: state.unwrap_or_else(|_| row.state.clone()),
        ..Change::none(row)
    }
}

fn finished(done: Done, wakes: Vec<Wake>) -> Stepped {
    Stepped { done, wakes }
}

/// Decides and writes, again when someone was faster, and notes whom to wake.
async fn alter(
    db: &impl Db,
    mut row: WorkspaceRow,
    now: i64,
    decide: impl Fn(&WorkspaceRow) -> Change + Send + Sync,
    wakes: &mut Vec<Wake>,
) -> Result<(), ApiError> {
    for _ in 0..TRIES {
        let change = decide(&row);
        if change == Change::none(&row) {
            return Ok(());
        }
        let cause = Cause {
            now,
            account: row.account_id,
            actor: None,
            request: None,
        };
        let news = rules::news(&row.id.to_string(), &row.node_id.to_string(), change.state.status);
        let written = effects::write(&news, &cause)?;
        if workspaces::change(db, &row, &change, now, &written).await? {
            let node = change.concerns_node(&row).then_some(Wake::Node(row.node_id));
            for wake in written.wakes().iter().copied().chain(node) {
                if !wakes.contains(&wake) {
                    wakes.push(wake);
                }
            }
            return Ok(());
        }
        match workspaces::find(db, row.id).await? {
            Some(newer) => row = newer,
            None => return Ok(()),
        }
    }
    Err(ApiError::internal(format!(
        "workspace {} changes too often to be written",
        row.id
    )))
}
