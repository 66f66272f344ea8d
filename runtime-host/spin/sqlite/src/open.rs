//! Opens the SQLite connections of one database: files, modes, PRAGMAs, hooks.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use crate::authorizer::{Policy, ROWID_TABLE, Role};
use crate::deadline::Deadline;
use crate::{Error, Options};

/// A SQLite connection with its guards.
pub(crate) struct Opened {
    pub(crate) connection: Connection,
    pub(crate) policy: Policy,
    pub(crate) deadline: Deadline,
}

/// Creates what is missing (folders 0700, file 0600), opens the one writing connection and runs `schema`.
pub(crate) fn writer(path: &Path, options: &Options, schema: &str) -> Result<Opened, Error> {
    create(path)
        .map_err(|error| storage(&error))
        .and_then(|()| open(path, options, Role::Writer, schema))
        .map_err(|cause| at(path, cause))
}

/// Opens one read-only connection.
pub(crate) fn reader(path: &Path, options: &Options) -> Result<Opened, Error> {
    open(path, options, Role::Reader, "").map_err(|cause| at(path, cause))
}

fn at(path: &Path, cause: Error) -> Error {
    Error::Open {
        path: path.to_owned(),
        cause: Box::new(cause),
    }
}

fn storage(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Error::ReadOnly(error.to_string()),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full(error.to_string()),
        _ => Error::Io(error.to_string()),
    }
}

/// SQLite gives `-wal` and `-shm` the mode of the main file, so that one is made first.
fn create(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn open(path: &Path, options: &Options, role: Role, schema: &str) -> Result<Opened, Error> {
    let access = match role {
        Role::Reader => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Role::Writer => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    // One thread at a time uses a connection, so SQLite needs no mutex of its own.
    let mut connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(options.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(options.statement_cache);
    // No corruption by clever SQL: no writable schema, no direct writes to shadow tables.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, clamp(options.value_bytes_max))?;
    connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, clamp(options.sql_bytes_max))?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA synchronous = FULL;")?;
    if role == Role::Writer {
        prepare_file(&connection, options)?;
    }
    // A damaged header or a foreign file shows here, not at the first request.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    connection.execute_batch(schema)?;
    let deadline = Deadline::install(&mut connection)?;
    let policy = Policy::install(&mut connection, role)?;
    Ok(Opened {
        connection,
        policy,
        deadline,
    })
}

fn prepare_file(connection: &Connection, options: &Options) -> Result<(), Error> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Error::Io(format!(
            "journal mode stayed `{mode}` instead of `wal`; does the file system support shared memory?"
        )));
    }
    if let Some(pages) = options.pages_max {
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    }
    // After a burst the log file gives its space back.
    connection.query_row("PRAGMA journal_size_limit = 67108864", [], |_| Ok(()))?;
    // One row for ever: a new rowid replaces the old one.
    connection.execute_batch(&format!(
        "CREATE TEMP TABLE {ROWID_TABLE} (id INTEGER PRIMARY KEY, one INTEGER NOT NULL UNIQUE DEFAULT 1);"
    ))?;
    Ok(())
}

fn clamp(bytes: u32) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}
