//! The queue `identity`: what has to happen to credentials, whatever becomes of the request that asked for it.

use sam_contract::ids::UserId;
use sam_domain::users::REVOKE_CREDENTIALS;
use sam_kit::clock;
use sam_kit::db::{CORE, Db, DbError};
use sam_kit::error::ApiError;
use sam_kit::jobs::{Done, Job};
use serde::Deserialize;

use crate::store::{links, sessions, tokens};

/// The kind and key of the recurring job that deletes what ended long ago.
pub(crate) const PRUNE: &str = "prune";

/// Once an hour is often enough for rows that are kept for a month.
const PRUNE_EVERY_MS: i64 = 3_600_000;

/// What `domain::users` writes for a suspended user.
#[derive(Deserialize)]
struct RevokeCredentials {
    user_id: UserId,
    made_until: i64,
}

/// One job. Each can be repeated without harm.
pub(crate) async fn step(job: Job) -> Result<Done, ApiError> {
    match job.kind.as_str() {
        REVOKE_CREDENTIALS => {
            let wish: RevokeCredentials = serde_json::from_str(&job.payload)
                .map_err(|error| ApiError::internal(format!("payload of job {}: {error}", job.key)))?;
            revoke_credentials(&CORE, wish.user_id, wish.made_until, clock::now()).await?;
            Ok(Done::Finished)
        }
        PRUNE => {
            prune(&CORE, clock::now()).await?;
            Ok(Done::AgainIn(PRUNE_EVERY_MS))
        }
        other => Err(ApiError::internal(format!(
            "queue `identity` knows no work of kind `{other}`"
        ))),
    }
}

/// Ends everything with which a user could come in and that was made up to that time.
pub(crate) async fn revoke_credentials(db: &impl Db, user: UserId, made_until: i64, now: i64) -> Result<(), DbError> {
    sessions::revoke_all(db, user, made_until, now).await?;
    tokens::revoke_all(db, user, made_until, now).await?;
    links::withdraw_of(db, user, made_until).await
}

async fn prune(db: &impl Db, now: i64) -> Result<(), DbError> {
    sessions::prune(db, now).await?;
    tokens::prune(db, now).await?;
    links::prune(db, now).await
}
