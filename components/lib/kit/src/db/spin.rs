//! Spin's SQLite.

use std::sync::{Arc, OnceLock};

use spin_sdk::sqlite::{Connection, Value as SpinValue};

use super::{Db, DbError, Row, Value};

/// A database that `spin.toml` grants, by label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sqlite {
    /// `default`.
    Core,
    /// `observability`.
    Observability,
}

static CORE: OnceLock<Connection> = OnceLock::new();
static OBSERVABILITY: OnceLock<Connection> = OnceLock::new();

impl Sqlite {
    /// As in `spin.toml`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Core => "default",
            Self::Observability => "observability",
        }
    }

    /// The connection of this instance. Opening one parses the schema, and the last close of a database checkpoints
    /// its log: it is opened once and kept as long as the instance lives.
    async fn connection(self) -> Result<&'static Connection, DbError> {
        let cached = match self {
            Self::Core => &CORE,
            Self::Observability => &OBSERVABILITY,
        };
        if let Some(connection) = cached.get() {
            return Ok(connection);
        }
        let label = self.label();
        let opened = Connection::open(label).await;
        let opened = opened.map_err(|error| DbError::Failed(format!("opening database `{label}`: {error}")))?;
        Ok(cached.get_or_init(|| opened))
    }
}

impl Db for Sqlite {
    async fn query(&self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>, DbError> {
        let failed = |error: spin_sdk::sqlite::Error| DbError::from_message(error.to_string());
        let connection = self.connection().await?;
        let answer = connection
            .execute(sql, params.into_iter().map(to_spin))
            .await
            .map_err(failed)?;
        let columns: Arc<[String]> = answer.columns().to_vec().into();
        // Only `collect` tells whether the statement succeeded, and only a drained answer frees the connection.
        let rows = answer.collect().await.map_err(failed)?;
        let row = |values: Vec<SpinValue>| Row::new(Arc::clone(&columns), values.into_iter().map(from_spin).collect());
        Ok(rows.into_iter().map(|found| row(found.values)).collect())
    }
}

fn to_spin(value: Value) -> SpinValue {
    match value {
        Value::Null => SpinValue::Null,
        Value::Integer(number) => SpinValue::Integer(number),
        Value::Real(number) => SpinValue::Real(number),
        Value::Text(text) => SpinValue::Text(text),
        Value::Blob(bytes) => SpinValue::Blob(bytes),
    }
}

fn from_spin(value: SpinValue) -> Value {
    match value {
        SpinValue::Null => Value::Null,
        SpinValue::Integer(number) => Value::Integer(number),
        SpinValue::Real(number) => Value::Real(number),
        SpinValue::Text(text) => Value::Text(text),
        SpinValue::Blob(bytes) => Value::Blob(bytes),
    }
}
