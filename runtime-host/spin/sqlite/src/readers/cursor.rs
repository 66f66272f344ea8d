//! A long read, streamed from a blocking thread.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::Lease;
use crate::rows::{self, Sink, row_size};
use crate::statement::Statement;
use crate::{Error, Options, Row, RowStream};

/// Rows are handed over in pieces of about this size.
const PIECE_BYTES: usize = 64 << 10;
/// Pieces that may wait for the reader; with the one being filled this bounds the memory of a stream.
const PIECES: usize = 2;

/// Starts the statement and returns once its columns are known.
pub(super) async fn start(
    lease: Lease,
    permit: OwnedSemaphorePermit,
    statement: Statement,
    options: &Options,
) -> Result<RowStream, Error> {
    let (pieces, receiver) = mpsc::channel(PIECES);
    let (columns, named) = oneshot::channel();
    let limit = options.cursor_time_max;
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut output = Output {
            runtime,
            columns: Some(columns),
            pieces,
            piece: Vec::new(),
            bytes: 0,
            limit,
            end: Instant::now() + limit,
        };
        if let Err(error) = work(&lease, &statement, &mut output) {
            output.fail(error);
        }
        drop((lease, permit));
    });
    let columns = named.await.unwrap_or(Err(Error::Closed))?;
    Ok(RowStream::running(columns, receiver))
}

fn work(lease: &Lease, statement: &Statement, output: &mut Output) -> Result<(), Error> {
    let reader = lease.reader()?;
    let limit = output.limit;
    let result = reader.deadline.limit(limit, || {
        let mut prepared = reader.connection.prepare_cached(&statement.sql)?;
        rows::run(&mut prepared, &statement.params, output)
    });
    result.map_err(|error| reader.policy.explain(error).with_limit(limit))?;
    output.flush()
}

struct Output {
    runtime: Handle,
    columns: Option<oneshot::Sender<Result<Vec<String>, Error>>>,
    pieces: mpsc::Sender<Result<Vec<Row>, Error>>,
    piece: Vec<Row>,
    bytes: usize,
    limit: Duration,
    end: Instant,
}

impl Output {
    fn flush(&mut self) -> Result<(), Error> {
        if self.piece.is_empty() {
            return Ok(());
        }
        self.bytes = 0;
        let piece = std::mem::take(&mut self.piece);
        let left = self.end.saturating_duration_since(Instant::now());
        match self
            .runtime
            .block_on(async { tokio::time::timeout(left, self.pieces.send(Ok(piece))).await })
        {
            Ok(Ok(())) => Ok(()),
            // The reader has dropped the stream; the error stops the statement and reaches nobody.
            Ok(Err(_)) => Err(Error::Closed),
            Err(_) => Err(Error::CursorExpired { limit: self.limit }),
        }
    }

    /// Tells the reader, whether it still waits for the columns or for rows.
    fn fail(&mut self, error: Error) {
        match self.columns.take() {
            Some(columns) => {
                let _ = columns.send(Err(error));
            }
            None => {
                let error = match error {
                    Error::TimeLimit { limit } => Error::CursorExpired { limit },
                    other => other,
                };
                // Without waiting for room: the cursor has to close now. A reader that stands still finds out by the
                // closed channel only if it also gets this, so the last piece makes room when needed.
                if let Err(mpsc::error::TrySendError::Full(error)) = self.pieces.try_send(Err(error)) {
                    let pieces = self.pieces.clone();
                    self.runtime.spawn(async move { pieces.send(error).await });
                }
            }
        }
    }
}

impl Sink for Output {
    fn columns(&mut self, columns: Vec<String>) -> Result<(), Error> {
        match self.columns.take().map(|sender| sender.send(Ok(columns))) {
            Some(Ok(())) => Ok(()),
            _ => Err(Error::Closed),
        }
    }

    fn row(&mut self, row: Row) -> Result<(), Error> {
        self.bytes += row_size(&row);
        self.piece.push(row);
        if self.bytes < PIECE_BYTES { Ok(()) } else { self.flush() }
    }
}
