//! A result on its way to its reader.

use std::task::{Context, Poll};

use tokio::sync::mpsc;

use crate::rows::row_size;
use crate::{Error, Row, Rows};

/// Column names, then rows in pieces. Small results are complete from the start.
#[derive(Debug)]
pub struct RowStream {
    /// Names of the columns.
    pub columns: Vec<String>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Ready(Vec<Row>),
    Running(mpsc::Receiver<Result<Vec<Row>, Error>>),
}

impl RowStream {
    pub(crate) fn ready(rows: Rows) -> Self {
        Self {
            columns: rows.columns,
            source: Source::Ready(rows.rows),
        }
    }

    pub(crate) fn running(columns: Vec<String>, pieces: mpsc::Receiver<Result<Vec<Row>, Error>>) -> Self {
        Self {
            columns,
            source: Source::Running(pieces),
        }
    }

    /// All rows, if the result is complete already; otherwise the stream back.
    pub fn into_ready(self) -> Result<Rows, Self> {
        match self.source {
            Source::Ready(rows) => Ok(Rows {
                columns: self.columns,
                rows,
            }),
            running @ Source::Running(_) => Err(Self {
                columns: self.columns,
                source: running,
            }),
        }
    }

    /// The next piece, `None` at the end. After an error the stream is at its end.
    pub async fn next(&mut self) -> Option<Result<Vec<Row>, Error>> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    /// Polling form of [`Self::next`].
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Vec<Row>, Error>>> {
        match &mut self.source {
            Source::Ready(rows) if rows.is_empty() => Poll::Ready(None),
            Source::Ready(rows) => Poll::Ready(Some(Ok(std::mem::take(rows)))),
            Source::Running(pieces) => pieces.poll_recv(context),
        }
    }

    /// Gathers the rest, up to `bytes_max`.
    pub async fn collect(mut self, bytes_max: usize) -> Result<Rows, Error> {
        let mut rows = match self.source {
            // Complete results are within the limit of the database already.
            Source::Ready(rows) => {
                return Ok(Rows {
                    columns: self.columns,
                    rows,
                });
            }
            Source::Running(_) => Vec::new(),
        };
        let mut bytes = 0;
        while let Some(piece) = self.next().await {
            let piece = piece?;
            bytes += piece.iter().map(|row| row_size(row)).sum::<usize>();
            if bytes > bytes_max {
                return Err(Error::ResultTooLarge { bytes_max });
            }
            rows.extend(piece);
        }
        Ok(Rows {
            columns: self.columns,
            rows,
        })
    }
}
