//! The writing connection: runs one statement so that its failure leaves no trace.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::{Counters, Outcome};
use crate::authorizer::{Policy, ROWID_TABLE};
use crate::checkpoint::Checkpointer;
use crate::deadline::Deadline;
use crate::open::Opened;
use crate::rows::{self, Collect};
use crate::statement::{Kind, Statement};
use crate::{Error, Options, Rows};

pub(super) struct Engine {
    connection: Connection,
    policy: Policy,
    deadline: Deadline,
    checkpointer: Checkpointer,
    set_rowid: String,
    /// Whether a constraint of the schema is checked at COMMIT only; `None` when the schema may have changed.
    deferred: Cell<Option<bool>>,
    pub(super) options: Arc<Options>,
    pub(super) counters: Arc<Counters>,
}

impl Engine {
    pub(super) fn new(
        opened: Opened,
        path: &Path,
        options: Arc<Options>,
        counters: Arc<Counters>,
    ) -> Result<Self, Error> {
        let Opened {
            mut connection,
            policy,
            deadline,
        } = opened;
        let checkpointer = Checkpointer::start(&mut connection, path)?;
        let set_rowid = format!("INSERT OR REPLACE INTO temp.{ROWID_TABLE} (id) VALUES (?1)");
        Ok(Self {
            connection,
            policy,
            deadline,
            checkpointer,
            set_rowid,
            deferred: Cell::new(None),
            options,
            counters,
        })
    }

    /// To be called between transactions.
    pub(super) fn tidy(&self) {
        self.checkpointer.after_commit(&self.connection);
    }

    /// Opens the transaction of a group.
    pub(super) fn begin(&self) -> Result<(), Error> {
        self.own("BEGIN IMMEDIATE")
    }

    /// Makes the group durable. After an error nothing of it is in the database.
    pub(super) fn commit(&self) -> Result<(), Error> {
        self.own("COMMIT").inspect_err(|_| self.rollback())
    }

    /// Ends the open transaction, if there is one, without keeping anything of it.
    pub(super) fn rollback(&self) {
        if self.in_transaction()
            && let Err(error) = self.own("ROLLBACK")
        {
            tracing::error!(%error, "rolling back failed");
        }
    }

    pub(super) fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    /// Says whether the statements that follow belong to a guest's own transaction.
    pub(super) fn set_transaction(&self, open: bool) {
        self.policy.set_transaction(open);
    }

    /// Runs a statement in a savepoint: it happens as a whole or not at all.
    ///
    /// Some errors end the surrounding transaction too; ask [`Self::in_transaction`] afterwards.
    pub(super) fn run_atomically(&self, statement: &Statement, rowid: i64, limit: Duration) -> Result<Outcome, Error> {
        self.own("SAVEPOINT spin_host")?;
        let result = self.run(statement, rowid, limit);
        if self.in_transaction() {
            if result.is_err() {
                self.own("ROLLBACK TO spin_host")?;
            }
            self.own("RELEASE spin_host")?;
        }
        result
    }

    /// Whether statements may share a commit.
    ///
    /// A deferred foreign key is checked when the transaction commits, so a neighbour could heal a violation, or be
    /// blamed for it. A schema with such a key (the word is in its SQL) gets one commit a statement.
    pub(super) fn may_group(&self) -> bool {
        let deferred = self.deferred.get().unwrap_or_else(|| {
            let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE sql LIKE '%DEFERRED%')";
            let found = self
                .policy
                .as_host(|| self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0)));
            // On an error the statements to come will tell; alone they do so one by one.
            found.unwrap_or(true)
        });
        self.deferred.set(Some(deferred));
        !deferred
    }

    /// Runs a statement as it is.
    pub(super) fn run(&self, statement: &Statement, rowid: i64, limit: Duration) -> Result<Outcome, Error> {
        self.set_last_insert_rowid(rowid)?;
        let result = self.deadline.limit(limit, || self.step(statement));
        if statement.kind != Kind::Change {
            self.deferred.set(None);
        }
        let rows = result.map_err(|error| self.policy.explain(error).with_limit(limit))?;
        Ok(Outcome {
            rows,
            changes: (statement.kind == Kind::Change).then(|| self.connection.changes()),
            last_insert_rowid: self.connection.last_insert_rowid(),
        })
    }

    fn step(&self, statement: &Statement) -> Result<Rows, Error> {
        let mut collect = Collect::new(self.options.result_bytes_max);
        let mut prepared = self.connection.prepare_cached(&statement.sql)?;
        rows::run(&mut prepared, &statement.params, &mut collect)?;
        Ok(collect.result)
    }

    /// `last_insert_rowid` belongs to the SQLite connection, which all guests share: before a statement it is set to
    /// what its guest would see on a connection of its own. An INSERT is the only way without `unsafe`.
    fn set_last_insert_rowid(&self, rowid: i64) -> Result<(), Error> {
        if self.connection.last_insert_rowid() == rowid {
            return Ok(());
        }
        self.policy
            .as_host(|| self.connection.prepare_cached(&self.set_rowid)?.execute([rowid]))?;
        Ok(())
    }

    /// Runs a statement of the host.
    fn own(&self, sql: &str) -> Result<(), Error> {
        self.policy
            .as_host(|| self.connection.prepare_cached(sql)?.raw_execute())?;
        Ok(())
    }
}
