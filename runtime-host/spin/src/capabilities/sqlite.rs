//! `spin:sqlite`: connections to the databases that the manifest grants.

use spin_host_sqlite::{Connection, Error, Row, Rows, Value};
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

use super::bindings::spin::sqlite::sqlite as wit;
use super::pieces::{Guest, deliver};
use super::{Capabilities, CapabilitiesView, HANDLES_MAX};

type Columns = (
    Vec<String>,
    StreamReader<wit::RowResult>,
    FutureReader<Result<(), wit::Error>>,
);

struct Sqlite;

impl Guest for Sqlite {
    type Item = wit::RowResult;
    type Error = wit::Error;

    fn item(row: Row) -> wit::RowResult {
        wit::RowResult {
            values: row.into_iter().map(to_guest).collect(),
        }
    }

    fn error(error: Error) -> wit::Error {
        match error {
            Error::Full(_) => wit::Error::DatabaseFull,
            other => wit::Error::Io(other.to_string()),
        }
    }
}

impl CapabilitiesView<'_> {
    fn open(&mut self, label: &str) -> wasmtime::Result<Result<Resource<Connection>, wit::Error>> {
        let Some(database) = self.grants.databases.get(label) else {
            return Ok(Err(wit::Error::AccessDenied));
        };
        if self.grants.connections_open >= HANDLES_MAX {
            return Ok(Err(wit::Error::Io(format!(
                "this instance has {HANDLES_MAX} open connections already; drop one, or keep one per database and share it"
            ))));
        }
        let connection = self.table.push(database.connect())?;
        self.grants.connections_open += 1;
        Ok(Ok(connection))
    }

    /// A clone, because the call may still run when the guest drops its handle.
    fn connection(&self, handle: &Resource<Connection>) -> wasmtime::Result<Connection> {
        Ok(self.table.get(handle)?.clone())
    }
}

impl wit::Host for CapabilitiesView<'_> {}

impl wit::HostConnection for CapabilitiesView<'_> {
    async fn open(&mut self, database: String) -> wasmtime::Result<Result<Resource<Connection>, wit::Error>> {
        CapabilitiesView::open(self, &database)
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<wit::Value>,
    ) -> wasmtime::Result<Result<wit::QueryResult, wit::Error>> {
        let connection = self.connection(&connection)?;
        let result = connection.query(statement, from_guest(parameters)).await;
        Ok(result.map(query_result).map_err(Sqlite::error))
    }

    async fn last_insert_rowid(&mut self, connection: Resource<Connection>) -> wasmtime::Result<i64> {
        Ok(self.connection(&connection)?.last_insert_rowid())
    }

    async fn changes(&mut self, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        Ok(self.connection(&connection)?.changes())
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        self.grants.connections_open = self.grants.connections_open.saturating_sub(1);
        Ok(())
    }
}

impl<T: Send + 'static> wit::HostConnectionWithStore<T> for Capabilities {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        database: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, wit::Error>> {
        accessor.with(|mut access| access.get().open(&database))
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<wit::Value>,
    ) -> wasmtime::Result<Result<Columns, wit::Error>> {
        let connection = accessor.with(|mut access| access.get().connection(&connection))?;
        let result = connection.stream(statement, from_guest(parameters)).await;
        let (columns, (rows, end)) = accessor.with(|access| deliver::<Sqlite, _, _>(access, result))?;
        Ok(Ok((columns, rows, end)))
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        accessor.with(|mut access| Ok(access.get().connection(&connection)?.last_insert_rowid()))
    }

    async fn changes_async(accessor: &Accessor<T, Self>, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        accessor.with(|mut access| Ok(access.get().connection(&connection)?.changes()))
    }
}

fn query_result(Rows { columns, rows }: Rows) -> wit::QueryResult {
    wit::QueryResult {
        columns,
        rows: rows.into_iter().map(Sqlite::item).collect(),
    }
}

fn to_guest(value: Value) -> wit::Value {
    match value {
        Value::Integer(integer) => wit::Value::Integer(integer),
        Value::Real(real) => wit::Value::Real(real),
        Value::Text(text) => wit::Value::Text(text),
        Value::Blob(bytes) => wit::Value::Blob(bytes),
        Value::Null => wit::Value::Null,
    }
}

fn from_guest(parameters: Vec<wit::Value>) -> Vec<Value> {
    let convert = |value| match value {
        wit::Value::Integer(integer) => Value::Integer(integer),
        wit::Value::Real(real) => Value::Real(real),
        wit::Value::Text(text) => Value::Text(text),
        wit::Value::Blob(bytes) => Value::Blob(bytes),
        wit::Value::Null => Value::Null,
    };
    parameters.into_iter().map(convert).collect()
}
