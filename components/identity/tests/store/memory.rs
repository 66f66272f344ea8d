//! An in-memory SQLite with the real migrations and triggers behind `kit::db`.

use std::fs;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use rusqlite::types::{Value as SqliteValue, ValueRef};
use rusqlite::{Connection, params_from_iter};
use sam_domain::migrations::statements;
use sam_kit::db::{Db, DbError, Row, Value};

pub(crate) struct Memory(Mutex<Connection>);

impl Memory {
    /// A database with all migrations applied.
    pub(crate) fn migrated() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/default");
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.retain(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('0'))
        });
        files.sort();
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for statement in statements(&text) {
                connection
                    .execute(statement, [])
                    .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            }
        }
        connection.execute_batch("PRAGMA foreign_keys = ON").unwrap();
        Self(Mutex::new(connection))
    }

    /// The first column of the first row.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.0.lock().unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// The first column of every row.
    pub(crate) fn texts(&self, sql: &str) -> Vec<String> {
        let connection = self.0.lock().unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    fn run(&self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>, rusqlite::Error> {
        let connection = self.0.lock().unwrap();
        let mut statement = connection.prepare(sql)?;
        let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = statement.query(params_from_iter(params.into_iter().map(to_sqlite)))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..columns.len()).map(|n| from_sqlite(row.get_ref(n).unwrap()));
            found.push(Row::new(columns.clone().into(), values.collect()));
        }
        Ok(found)
    }
}

impl Db for Memory {
    async fn query(&self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>, DbError> {
        self.run(sql, params)
            .map_err(|error| DbError::from_message(error.to_string()))
    }
}

/// Runs a future that never waits, as all do on this database.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("an in-memory statement waits for nothing"),
    }
}

fn to_sqlite(value: Value) -> SqliteValue {
    match value {
        Value::Null => SqliteValue::Null,
        Value::Integer(number) => SqliteValue::Integer(number),
        Value::Real(number) => SqliteValue::Real(number),
        Value::Text(text) => SqliteValue::Text(text),
        Value::Blob(bytes) => SqliteValue::Blob(bytes),
    }
}

fn from_sqlite(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8(text.to_vec()).unwrap()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}
