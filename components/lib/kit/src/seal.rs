//! Sealed values of database rows, and their way from an old key to the active one.
//!
//! A value is sealed for its place: table, row id and column of a [`SealedColumn`], so that an envelope copied to
//! another row does not open. After `sam-host keys rotate` the old key still opens; the component that owns a column
//! seals its values anew by a recurring job in its own queue, because only the owner writes a table. For that, a
//! component that seals has
//!
//! - its column in `domain::sealed::SEALED`,
//! - its queue with the kind [`RESEAL`] in `contract::queues::RECURRING`,
//! - one arm in the step of that queue: `seal::RESEAL => seal::reseal(&CORE, "<component>").await`.
//!
//! `tests/tidy` holds these three together.

use std::fmt::Display;
use std::future::Future;

use sam_domain::sealed::{self, SealedColumn};

use crate::db::Db;
use crate::error::ApiError;
use crate::jobs::Done;
use crate::params;
use crate::vault::sealer as vault;

/// Kind and key of the recurring job.
pub const RESEAL: &str = "reseal";

/// Keys rotate by hand and seldom; an old key is kept for days.
const EVERY_MS: i64 = 3_600_000;

/// Rows read at a time, and at most sealed anew by one run: a run ends well within the lease of its job.
const ROWS: u32 = 200;
const ROWS_PER_RUN: u32 = 1_000;

/// Seals `plaintext` for a row.
///
/// # Errors
/// When the vault has no keys.
pub async fn seal(column: &SealedColumn, row: impl Display, plaintext: &[u8]) -> Result<Vec<u8>, ApiError> {
    Vault.seal(column, &row.to_string(), plaintext.to_vec()).await
}

/// Opens what was sealed for this row.
///
/// # Errors
/// When it was altered, was sealed for another row, or its key is gone.
pub async fn open(column: &SealedColumn, row: impl Display, envelope: &[u8]) -> Result<Vec<u8>, ApiError> {
    Vault.open(column, &row.to_string(), envelope.to_vec()).await
}

/// Seals anew what the active key has not sealed, in all columns of `component`, and comes back in an hour.
///
/// # Errors
/// When the database or the vault fails, or some value does not open; all others are sealed anew nevertheless.
pub async fn reseal(db: &impl Db, component: &str) -> Result<Done, ApiError> {
    let columns: Vec<_> = sealed::of(component).copied().collect();
    reseal_columns(db, &Vault, &columns).await
}

/// What seals and opens: the vault, and in native tests its inner part.
pub trait Sealer: Sync {
    /// Seals with the active key.
    ///
    /// # Errors
    /// As [`seal`].
    fn seal(
        &self,
        column: &SealedColumn,
        row: &str,
        plaintext: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, ApiError>> + Send;

    /// Opens with the key that the envelope names.
    ///
    /// # Errors
    /// As [`open`].
    fn open(
        &self,
        column: &SealedColumn,
        row: &str,
        envelope: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, ApiError>> + Send;
}

struct Vault;

impl Sealer for Vault {
    async fn seal(&self, column: &SealedColumn, row: &str, plaintext: Vec<u8>) -> Result<Vec<u8>, ApiError> {
        let sealed = vault::seal(place(column, row), plaintext).await;
        sealed.map_err(|error| failed("sealing", column, row, &error))
    }

    async fn open(&self, column: &SealedColumn, row: &str, envelope: Vec<u8>) -> Result<Vec<u8>, ApiError> {
        let opened = vault::open(place(column, row), envelope).await;
        opened.map_err(|error| failed("opening", column, row, &error))
    }
}

fn place(column: &SealedColumn, row: &str) -> vault::Context {
    vault::Context {
        table: column.table.to_owned(),
        row: row.to_owned(),
        column: column.column.to_owned(),
    }
}

fn failed(what: &str, column: &SealedColumn, row: &str, error: &vault::Error) -> ApiError {
    let SealedColumn { table, column, .. } = column;
    ApiError::internal(format!("{what} {table}.{column} of row {row}: {error:?}"))
}

/// [`reseal`] for these columns and with this sealer.
///
/// # Errors
/// As [`reseal`].
pub async fn reseal_columns(db: &impl Db, sealer: &impl Sealer, columns: &[SealedColumn]) -> Result<Done, ApiError> {
    let (mut rows, mut closed, mut first) = (0, 0, None);
    for column in columns {
        let active = active_header(sealer, column).await?;
        let mut after = String::new();
        loop {
            let stale = stale(db, column, &active, &after).await?;
            let Some((last, _)) = stale.last() else { break };
            after.clone_from(last);
            for (row, envelope) in stale {
                rows += 1;
                match sealer.open(column, &row, envelope.clone()).await {
                    Ok(plaintext) => {
                        let sealed = sealer.seal(column, &row, plaintext).await?;
                        replace(db, column, &row, envelope, sealed).await?;
                    }
                    Err(error) => {
                        closed += 1;
                        first.get_or_insert(error.internal.unwrap_or(error.message));
                    }
                }
            }
            if rows >= ROWS_PER_RUN && closed == 0 {
                return Ok(Done::AgainIn(0));
            }
        }
    }
    match first {
        None => Ok(Done::AgainIn(EVERY_MS)),
        Some(cause) => Err(ApiError::internal(format!(
            "{closed} sealed values do not open and keep their old key; the first: {cause}"
        ))),
    }
}

/// How envelopes of the active key begin: version, length of the key's id, and the id (`wit/vault`).
async fn active_header(sealer: &impl Sealer, column: &SealedColumn) -> Result<Vec<u8>, ApiError> {
    let mut envelope = sealer.seal(column, "", Vec::new()).await?;
    let id_bytes = envelope.get(1).copied().unwrap_or_default();
    envelope.truncate(2 + usize::from(id_bytes));
    Ok(envelope)
}

/// The next rows, in the order of their ids, whose envelopes do not begin with `active`.
async fn stale(
    db: &impl Db,
    column: &SealedColumn,
    active: &[u8],
    after: &str,
) -> Result<Vec<(String, Vec<u8>)>, ApiError> {
    let SealedColumn { table, id, column, .. } = column;
    let sql = format!(
        "SELECT {id} AS id, {column} AS envelope FROM {table}
         WHERE {id} > ?1 AND {column} IS NOT NULL AND substr({column}, 1, ?2) <> ?3 ORDER BY {id} LIMIT {ROWS}"
    );
    let length = i64::try_from(active.len()).unwrap_or(i64::MAX);
    let rows = db
        .query(&sql, params![after.to_owned(), length, active.to_vec()])
        .await?;
    rows.iter()
        .map(|row| Ok((row.get("id")?, row.get("envelope")?)))
        .collect()
}

/// Writes the new envelope unless the value has changed meanwhile: a new value has the active key anyway.
async fn replace(db: &impl Db, column: &SealedColumn, row: &str, old: Vec<u8>, new: Vec<u8>) -> Result<(), ApiError> {
    let SealedColumn { table, id, column, .. } = column;
    let sql = format!("UPDATE {table} SET {column} = ?3 WHERE {id} = ?1 AND {column} = ?2 RETURNING {id}");
    db.query(&sql, params![row.to_owned(), old, new]).await?;
    Ok(())
}
