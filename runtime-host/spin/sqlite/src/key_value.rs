//! A key-value store on the same engine: same durability, same group commit.

use std::path::Path;

use crate::{Connection, Database, Error, Options, Row, RowStream, Value};

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL)";

/// A durable map from text to bytes. Clones share it.
#[derive(Clone, Debug)]
pub struct KeyValue {
    database: Database,
}

impl KeyValue {
    /// Opens or creates the store at `path`. Blocks for some milliseconds.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, Error> {
        Database::open_with(path.as_ref(), options, SCHEMA).map(|database| Self { database })
    }

    /// The value of `key`, if there is one.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let rows = self
            .connection()
            .query("SELECT value FROM kv WHERE key = ?1", vec![key.into()])
            .await?
            .rows;
        Ok(first(rows).map(|value| match value {
            Value::Blob(bytes) => bytes,
            _ => Vec::new(),
        }))
    }

    /// Sets `key`; durable on return.
    pub async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Error> {
        let sql = "INSERT INTO kv (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        self.connection()
            .query(sql, vec![key.into(), Value::Blob(value)])
            .await
            .map(drop)
    }

    /// Removes `key`; no error when it is not there.
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        self.connection()
            .query("DELETE FROM kv WHERE key = ?1", vec![key.into()])
            .await
            .map(drop)
    }

    /// Whether `key` has a value.
    pub async fn exists(&self, key: &str) -> Result<bool, Error> {
        let rows = self
            .connection()
            .query("SELECT 1 FROM kv WHERE key = ?1", vec![key.into()])
            .await?
            .rows;
        Ok(!rows.is_empty())
    }

    /// All keys in order, one text column a row.
    pub async fn keys(&self) -> Result<RowStream, Error> {
        self.connection()
            .stream("SELECT key FROM kv ORDER BY key", Vec::new())
            .await
    }

    /// The database below, for its counters.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    fn connection(&self) -> Connection {
        self.database.connect()
    }
}

fn first(rows: Vec<Row>) -> Option<Value> {
    rows.into_iter().next()?.into_iter().next()
}
