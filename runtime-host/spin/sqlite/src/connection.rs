//! What one guest sees as its connection.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};

use tokio::sync::oneshot;

use crate::database::Inner;
use crate::readers::Read;
use crate::statement::{Kind, Statement};
use crate::writer::{Begin, Job, Outcome, Request, TransactionEnd};
use crate::{Error, RowStream, Rows, Value};

/// A guest's connection: `changes`, `last_insert_rowid`, and its explicit transaction if one is open.
///
/// May be used from several tasks; clones are the same connection. Dropping the last one rolls an open transaction back.
#[derive(Clone)]
pub struct Connection {
    database: Arc<Inner>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    transaction: Option<Transaction>,
    changes: u64,
    last_insert_rowid: i64,
}

/// The guest's end of an explicit transaction (`writer/transaction.rs` is the other).
#[derive(Clone)]
struct Transaction {
    jobs: mpsc::Sender<Job>,
    end: TransactionEnd,
}

impl Connection {
    pub(crate) fn new(database: Arc<Inner>) -> Self {
        Self {
            database,
            state: Arc::default(),
        }
    }

    /// Runs one statement and returns its whole result.
    ///
    /// A write is durable when this returns; a read sees every write answered before. Errors with
    /// [`Error::ResultTooLarge`] beyond [`Options::result_bytes_max`](crate::Options::result_bytes_max).
    pub async fn query(&self, sql: impl Into<String>, params: Vec<Value>) -> Result<Rows, Error> {
        self.stream(sql, params)
            .await?
            .collect(self.database.options.result_bytes_max)
            .await
    }

    /// Runs one statement; a large read is delivered in pieces while it runs.
    ///
    /// The reader must keep up: see [`Options::cursor_time_max`](crate::Options::cursor_time_max).
    pub async fn stream(&self, sql: impl Into<String>, params: Vec<Value>) -> Result<RowStream, Error> {
        let mut statement = Statement::new(sql.into(), params)?;
        match statement.kind {
            Kind::LastInsertRowid => return Ok(scalar("last_insert_rowid()", self.last_insert_rowid())),
            Kind::Changes => return Ok(scalar("changes()", i64::try_from(self.changes()).unwrap_or(i64::MAX))),
            _ => {}
        }
        let transaction = self.state().transaction.clone();
        if let Some(transaction) = transaction {
            return self.run_in(&transaction, statement).await;
        }
        if statement.kind == Kind::Read {
            statement = match self.database.readers.read(statement).await? {
                Read::Rows(rows) => return Ok(rows),
                // For example `WITH … INSERT` that looked like a read.
                Read::Writes(statement) => statement,
            };
        }
        match statement.kind {
            Kind::Begin => self.begin(statement).await,
            Kind::End => Err(no_transaction(&statement.sql)),
            _ => self.write(statement).await,
        }
    }

    /// Rows changed by the last INSERT, UPDATE or DELETE of this connection.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// The rowid of the last successful INSERT of this connection, or 0.
    #[must_use]
    pub fn last_insert_rowid(&self) -> i64 {
        self.state().last_insert_rowid
    }

    async fn write(&self, statement: Statement) -> Result<RowStream, Error> {
        let (job, reply) = self.job(statement);
        self.database
            .queue
            .send(Request::Run(job))
            .await
            .map_err(|_| Error::Closed)?;
        let result = reply.await.unwrap_or(Err(Error::Closed));
        self.remember(result)
    }

    async fn begin(&self, statement: Statement) -> Result<RowStream, Error> {
        let (first, reply) = self.job(statement);
        let (jobs, rest) = mpsc::channel();
        let transaction = Transaction {
            jobs,
            end: Arc::new(OnceLock::new()),
        };
        let begin = Begin {
            first,
            rest,
            end: Arc::clone(&transaction.end),
        };
        // Room first: between sending and remembering the transaction nothing may wait, or a caller that gives up
        // there would leave the writer held with nobody to end it.
        let room = self.database.queue.reserve().await.map_err(|_| Error::Closed)?;
        self.state().transaction = Some(transaction.clone());
        room.send(Request::Begin(begin));
        self.settle(&transaction, reply).await
    }

    async fn run_in(&self, transaction: &Transaction, statement: Statement) -> Result<RowStream, Error> {
        let (job, reply) = self.job(statement);
        // When the writer has left, the reply is dropped with the job and `settle` says why.
        let _ = transaction.jobs.send(job);
        self.settle(transaction, reply).await
    }

    /// Waits for an answer from inside a transaction and forgets the transaction when it is over.
    async fn settle(
        &self,
        transaction: &Transaction,
        reply: oneshot::Receiver<Result<Outcome, Error>>,
    ) -> Result<RowStream, Error> {
        let answer = reply.await;
        if let Some(reason) = transaction.end.get() {
            let mut state = self.state();
            if state
                .transaction
                .as_ref()
                .is_some_and(|current| Arc::ptr_eq(&current.end, &transaction.end))
            {
                state.transaction = None;
            }
            drop(state);
            if answer.is_err() {
                return Err(reason.clone().unwrap_or(Error::TransactionEnded));
            }
        }
        self.remember(answer.unwrap_or(Err(Error::Closed)))
    }

    fn job(&self, statement: Statement) -> (Job, oneshot::Receiver<Result<Outcome, Error>>) {
        let (reply, answer) = oneshot::channel();
        (
            Job {
                statement,
                last_insert_rowid: self.last_insert_rowid(),
                reply,
            },
            answer,
        )
    }

    fn remember(&self, result: Result<Outcome, Error>) -> Result<RowStream, Error> {
        let outcome = result?;
        let mut state = self.state();
        state.last_insert_rowid = outcome.last_insert_rowid;
        if let Some(changes) = outcome.changes {
            state.changes = changes;
        }
        Ok(RowStream::ready(outcome.rows))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("path", &self.database.path)
            .finish_non_exhaustive()
    }
}

fn scalar(column: &str, value: i64) -> RowStream {
    RowStream::ready(Rows {
        columns: vec![column.to_owned()],
        rows: vec![vec![Value::Integer(value)]],
    })
}

/// SQLite's own words for the same mistake.
fn no_transaction(sql: &str) -> Error {
    let verb = if sql
        .trim_start()
        .get(..8)
        .is_some_and(|word| word.eq_ignore_ascii_case("ROLLBACK"))
    {
        "rollback"
    } else {
        "commit"
    };
    Error::Sql(format!("cannot {verb} - no transaction is active"))
}
