//! SQLite for a host of untrusted guests.
//!
//! A [`Database`] has **one writer thread** that commits whole groups of statements with one `fsync`, and a small
//! pool of read-only connections. A guest gets a [`Connection`], which is cheap: it only remembers `changes`,
//! `last_insert_rowid` and whether a `BEGIN` of this guest is open.
//!
//! ```text
//!  Connection ──read──▶ Readers (pool, read-only, on the caller's thread while small)
//!      │
//!      └──write──▶ bounded queue ──▶ writer thread: BEGIN · [SAVEPOINT stmt RELEASE]* · COMMIT ──▶ all acknowledged
//! ```
//!
//! Promises:
//! - A write is answered only after the `COMMIT` that contains it has reached the disk (`WAL`, `synchronous=FULL`).
//! - A statement that fails changes nothing and disturbs no other statement of its group.
//! - A read sees every write that was answered before the read began.
//! - Everything has a limit ([`Options`]): statement time, transaction time, cursor time, result size, queue length.
//!
//! What guests may not do (attach files, change PRAGMAs, roll back the whole group, …) is listed in
//! `authorizer.rs` and `statement.rs`. [`KeyValue`] is a key-value store on the same engine.

mod authorizer;
mod checkpoint;
mod connection;
mod data_dir;
mod database;
mod deadline;
mod error;
mod key_value;
mod open;
mod options;
mod readers;
mod rows;
mod statement;
mod stream;
mod value;
mod writer;

pub use connection::Connection;
pub use data_dir::{DataDirLock, LockError, lock_data_dir};
pub use database::{Database, Stats};
pub use error::Error;
pub use key_value::KeyValue;
pub use options::{BatchReport, Options};
pub use rows::{Row, Rows};
pub use stream::RowStream;
pub use value::Value;
