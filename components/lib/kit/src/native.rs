//! SQLite in memory behind the [`Db`] trait: the real statements, migrations and triggers without Spin.
//!
//! A crash can be planned at any statement, before or after it took effect, which is how recovery is tested.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::{Value as Native, ValueRef};
use rusqlite::{Connection, params_from_iter};
use sam_domain::migrations::{LEDGER, statements};

use crate::db::{Db, DbError, Row, Value};

/// A database in memory.
pub struct NativeDb {
    inner: Mutex<Inner>,
}

struct Inner {
    connection: Connection,
    statements: usize,
    crash: Option<Crash>,
}

#[derive(Clone, Copy)]
struct Crash {
    at: usize,
    took_effect: bool,
}

/// What a planned crash looks like to the caller.
pub const CRASH: &str = "planned crash";

fn failed(error: &rusqlite::Error) -> DbError {
    DbError::from_message(error.to_string())
}

impl NativeDb {
    /// Without any table.
    ///
    /// # Errors
    /// When SQLite cannot be opened.
    pub fn open() -> Result<Self, DbError> {
        let connection = Connection::open_in_memory().map_err(|error| failed(&error))?;
        Ok(Self {
            inner: Mutex::new(Inner {
                connection,
                statements: 0,
                crash: None,
            }),
        })
    }

    /// With all migrations of `migrations/<database>` applied.
    ///
    /// # Errors
    /// When a file cannot be read or a statement fails.
    pub fn migrated(database: &str) -> Result<Self, DbError> {
        let db = Self::open()?;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../../migrations")
            .join(database);
        let unreadable = |error: std::io::Error| DbError::Failed(format!("{}: {error}", folder.display()));
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            files.push(entry.map_err(unreadable)?.path());
        }
        files.retain(|path| path.file_name().is_some_and(|name| name != "schema.sql"));
        files.sort();
        db.run(LEDGER, Vec::new())?;
        for file in files {
            for statement in statements(&fs::read_to_string(file).map_err(unreadable)?) {
                db.run(statement, Vec::new())?;
            }
        }
        Ok(db)
    }

    /// Plans a crash at the statement with this number, counted from now. Whatever comes after it fails, too, until
    /// [`NativeDb::restart`].
    pub fn crash_at(&self, statement: usize, took_effect: bool) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.crash = Some(Crash {
            at: inner.statements + statement,
            took_effect,
        });
    }

    /// The process starts again.
    pub fn restart(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).crash = None;
    }

    /// How many statements ran so far.
    pub fn statements(&self) -> usize {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).statements
    }

    /// The text of every table, index and trigger.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn schema(&self) -> Result<Vec<String>, DbError> {
        let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
        self.run(sql, Vec::new())?.iter().map(|row| row.get("sql")).collect()
    }

    fn run(&self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>, DbError> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let crash = inner.crash.filter(|crash| crash.at <= inner.statements);
        let at = inner.statements;
        inner.statements += 1;
        if crash.is_some_and(|crash| !crash.took_effect || crash.at < at) {
            return Err(DbError::Failed(CRASH.to_owned()));
        }
        let rows = rows(&inner.connection, sql, params).map_err(|error| failed(&error))?;
        if crash.is_some() {
            Err(DbError::Failed(CRASH.to_owned()))
        } else {
            Ok(rows)
        }
    }
}

impl Db for NativeDb {
    async fn query(&self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>, DbError> {
        self.run(sql, params)
    }
}

fn rows(connection: &Connection, sql: &str, params: Vec<Value>) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns: Arc<[String]> = statement.column_names().map(str::to_owned).collect();
    let mut found = statement.query(params_from_iter(params.into_iter().map(to_native)))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let values = (0..columns.len())
            .map(|n| row.get_ref(n).map(from_native))
            .collect::<Result<_, _>>()?;
        rows.push(Row::new(Arc::clone(&columns), values));
    }
    Ok(rows)
}

fn to_native(value: Value) -> Native {
    match value {
        Value::Null => Native::Null,
        Value::Integer(number) => Native::Integer(number),
        Value::Real(number) => Native::Real(number),
        Value::Text(text) => Native::Text(text),
        Value::Blob(bytes) => Native::Blob(bytes),
    }
}

fn from_native(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}
