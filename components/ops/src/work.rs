//! The queues `audit` and `prune`.

use sam_contract::settings::{DONE_JOB_DAYS, ERROR_DAYS};
use sam_kit::db::{CORE, OBSERVABILITY};
use sam_kit::error::ApiError;
use sam_kit::jobs::{Done, Job};
use sam_kit::{clock, settings};

use crate::store::{audit, prune as store};

/// Rows sealed by one statement.
const SEAL_ROWS: u32 = 500;

/// Once an hour is often enough for rows that are kept for days.
const PRUNE_EVERY_MS: i64 = 3_600_000;

const DAY_MS: i64 = 86_400_000;

/// Seals until nothing is unsealed. A row that arrives meanwhile enqueues the job again.
pub(crate) async fn seal(_: Job) -> Result<Done, ApiError> {
    while audit::seal_batch(&CORE, SEAL_ROWS).await? >= SEAL_ROWS as usize {}
    Ok(Done::Finished)
}

/// Deletes what is over, and comes back in an hour.
pub(crate) async fn prune(_: Job) -> Result<Done, ApiError> {
    let now = clock::now();
    store::done_jobs(&CORE, now - settings::count(&DONE_JOB_DAYS).await? * DAY_MS).await?;
    store::rate_limits(&CORE, now).await?;
    store::errors(&OBSERVABILITY, now - settings::count(&ERROR_DAYS).await? * DAY_MS).await?;
    Ok(Done::AgainIn(PRUNE_EVERY_MS))
}
