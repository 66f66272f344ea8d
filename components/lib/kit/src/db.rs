//! Databases: one cached connection per database and instance, results always drained, rows read by type.
//!
//! SQL is written against the small [`Db`] trait, so that the same statements run natively in tests and simulations.
//! Three rules, because of what Spin's SQLite does: one statement per call (the rest would be dropped silently), RETURNING
//! instead of `changes()` (connections are shared), and no `BEGIN` (on libSQL each statement is a request of its own).

mod row;
mod spin;
mod value;

use std::future::Future;

pub use row::Row;
pub use spin::Sqlite;
pub use value::{FromValue, Value};

/// The core database.
pub const CORE: Sqlite = Sqlite::Core;
/// Error reports.
pub const OBSERVABILITY: Sqlite = Sqlite::Observability;

/// Why a statement failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// A unique index, or another constraint, was violated: carries SQLite's sentence.
    #[error("{0}")]
    Constraint(String),
    /// A row does not have the column, or not of the type, that was asked for.
    #[error("column `{column}`: {issue}")]
    Column {
        /// Which.
        column: String,
        /// What is wrong.
        issue: String,
    },
    /// Everything else: carries the database's sentence.
    #[error("{0}")]
    Failed(String),
}

impl DbError {
    /// Sorts a sentence of SQLite.
    pub fn from_message(message: String) -> Self {
        if message.contains("constraint failed") {
            Self::Constraint(message)
        } else {
            Self::Failed(message)
        }
    }
}

/// A database.
pub trait Db: Sync {
    /// Runs one statement and gives all its rows.
    ///
    /// # Errors
    /// When the statement fails, also after its first rows.
    fn query(&self, sql: &str, params: Vec<Value>) -> impl Future<Output = Result<Vec<Row>, DbError>> + Send;

    /// Runs a statement that gives one row or none.
    ///
    /// # Errors
    /// As [`Db::query`].
    fn row(&self, sql: &str, params: Vec<Value>) -> impl Future<Output = Result<Option<Row>, DbError>> + Send {
        let rows = self.query(sql, params);
        async { Ok(rows.await?.into_iter().next()) }
    }
}
