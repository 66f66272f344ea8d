//! The queue `nodes`: what time brings.

use sam_contract::settings::NODE_UNREACHABLE_SECONDS;
use sam_domain::nodes::{self as rules, Event};
use sam_kit::db::{CORE, Db};
use sam_kit::effects::{self, Cause};
use sam_kit::error::ApiError;
use sam_kit::jobs::{Done, Job, Stepped};
use sam_kit::reply::Wake;
use sam_kit::{clock, settings};

use crate::store::nodes::{self, Change};
use crate::store::reports;

/// The kinds and keys of the recurring jobs.
pub(crate) const WATCH: &str = "watch";
pub(crate) const PRUNE: &str = "prune";

/// Once an hour is often enough for rows that are kept for a month.
const PRUNE_EVERY_MS: i64 = 3_600_000;

/// How soon silence is noticed once it has lasted too long: much sooner than it takes to be too long.
const WATCH_EVERY_MS: i64 = 5_000;

/// Nodes looked at in one run; more wait for the next, which follows at once.
const ROWS: u32 = 200;

/// One job.
pub(crate) async fn step(job: Job) -> Result<Stepped, ApiError> {
    match job.kind.as_str() {
        WATCH => {
            let unreachable_ms = settings::count(&NODE_UNREACHABLE_SECONDS).await? * 1_000;
            watch(&CORE, unreachable_ms, clock::now()).await
        }
        PRUNE => {
            reports::prune(&CORE).await?;
            nodes::prune(&CORE, clock::now()).await?;
            Ok(Done::AgainIn(PRUNE_EVERY_MS).into())
        }
        other => Err(ApiError::internal(format!(
            "queue `nodes` knows no work of kind `{other}`"
        ))),
    }
}

/// Lets time pass for every node that it brings something to.
///
/// # Errors
/// When the database fails.
pub async fn watch(db: &impl Db, unreachable_ms: i64, now: i64) -> Result<Stepped, ApiError> {
    let overdue = nodes::overdue(db, now, now.saturating_sub(unreachable_ms), ROWS).await?;
    let more = u32::try_from(overdue.len()).is_ok_and(|found| found >= ROWS);
    let mut wakes: Vec<Wake> = Vec::new();
    for (row, seen_at) in overdue {
        let tick = Event::Tick {
            seen_at,
            unreachable_ms,
        };
        let Ok((next, brought)) = rules::step(row.state, tick, &row.id.to_string(), now) else {
            continue;
        };
        if next == row.state {
            continue;
        }
        let cause = Cause {
            now,
            account: row.account_id,
            actor: None,
            request: None,
        };
        let written = effects::write(&brought, &cause)?;
        // Someone was faster: the next look sees what they made of it.
        if nodes::change(db, &row, &next, &Change::default(), now, &written).await? {
            wakes.extend(
                written
                    .wakes()
                    .iter()
                    .filter(|wake| !wakes.contains(wake))
                    .copied()
                    .collect::<Vec<_>>(),
            );
        }
    }
    let done = Done::AgainIn(if more { 0 } else { WATCH_EVERY_MS });
    Ok(Stepped { done, wakes })
}
