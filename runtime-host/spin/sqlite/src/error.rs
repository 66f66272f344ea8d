//! What can go wrong, by what the caller can do about it.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::ErrorCode;

/// An error of a statement, a connection or a database.
///
/// `Sql` and `Constraint` print SQLite's own sentence alone, as other hosts of the same components do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The statement is wrong: syntax, unknown table, wrong number of parameters, a type that does not fit.
    #[error("{0}")]
    Sql(String),
    /// A constraint was violated (unique, foreign key, check, not null, `RAISE(ABORT)`).
    #[error("{0}")]
    Constraint(String),
    /// The statement is not open to guests.
    #[error("{0}")]
    Refused(String),
    /// The disk, or the space given to this database, is full. Nothing of the statement was kept.
    #[error("the database is full: {0}")]
    Full(String),
    /// The files cannot be written.
    #[error("the database cannot be written: {0}")]
    ReadOnly(String),
    /// The file is damaged, or is not a database.
    #[error("the database file is damaged: {0}; restore it from a backup or run PRAGMA integrity_check")]
    Corrupt(String),
    /// Another process holds a lock on the file.
    #[error("the database is locked by another process: {0}")]
    Locked(String),
    /// Reading or writing a file failed. After this answer to a write it is not known to be durable.
    #[error("the database's storage failed: {0}")]
    Io(String),
    /// The database could not be opened.
    #[error("cannot open the database {path}: {cause}")]
    Open {
        /// The database file.
        path: PathBuf,
        /// What failed.
        cause: Box<Error>,
    },
    /// The statement ran longer than its limit and was stopped.
    #[error("the statement was stopped: it ran longer than {limit:?}")]
    TimeLimit {
        /// [`Options::statement_time_max`](crate::Options::statement_time_max).
        limit: Duration,
    },
    /// An explicit transaction was open longer than its limit and was rolled back.
    #[error("the transaction was rolled back: it kept all other writers waiting longer than {limit:?}")]
    TransactionExpired {
        /// [`Options::transaction_time_max`](crate::Options::transaction_time_max).
        limit: Duration,
    },
    /// The reader was too slow; its cursor kept the write-ahead log from being reused.
    #[error("the result was cut off: it was not read within {limit:?}; read it faster or in pages")]
    CursorExpired {
        /// [`Options::cursor_time_max`](crate::Options::cursor_time_max).
        limit: Duration,
    },
    /// A buffered result does not fit.
    #[error("the result is larger than {bytes_max} bytes; read it in pages or as a stream")]
    ResultTooLarge {
        /// [`Options::result_bytes_max`](crate::Options::result_bytes_max).
        bytes_max: usize,
    },
    /// The explicit transaction ended (another user of the same connection ended it) before the statement ran.
    #[error("the transaction of this connection ended before the statement could run")]
    TransactionEnded,
    /// The database is shutting down.
    #[error("the database is closed")]
    Closed,
}

impl Error {
    /// Puts the limit into an error that only says that one was passed.
    pub(crate) fn with_limit(self, limit: Duration) -> Self {
        match self {
            Self::TimeLimit { .. } => Self::TimeLimit { limit },
            other => other,
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let message = match &error {
            rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
            rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
            other => other.to_string(),
        };
        match error {
            rusqlite::Error::MultipleStatement => Self::Refused(crate::statement::ONE_STATEMENT.to_owned()),
            rusqlite::Error::Empty => Self::Sql("the statement is empty".to_owned()),
            _ => match error.sqlite_error_code() {
                Some(ErrorCode::ConstraintViolation) => Self::Constraint(message),
                Some(ErrorCode::DiskFull) => Self::Full(message),
                Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly(message),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(message),
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                    Self::Locked(message)
                }
                Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::OutOfMemory) => Self::Io(message),
                // The caller knows the limit; it puts it in.
                Some(ErrorCode::OperationInterrupted) => Self::TimeLimit { limit: Duration::ZERO },
                Some(ErrorCode::AuthorizationForStatementDenied) => Self::Refused(message),
                _ => Self::Sql(message),
            },
        }
    }
}
