//! A result on its way into a guest: a stream of items and a future that says how it ended.

use std::pin::Pin;
use std::task::{Context, Poll};

use spin_host_sqlite::{Error, Row, RowStream, Rows};
use tokio::sync::oneshot;
use wasmtime::component::{
    Access, Destination, FutureReader, HasData, Lift, Lower, StreamProducer, StreamReader, StreamResult, VecBuffer,
};
use wasmtime::{AsContextMut as _, StoreContextMut};

/// The pair that WIT calls `tuple<stream<item>, future<result<_, error>>>`.
pub(super) type Delivery<I, E> = (StreamReader<I>, FutureReader<Result<(), E>>);

/// What the guest's types need to be, and how a row and an error become them.
pub(super) trait Guest: Send + 'static {
    /// An item of the stream.
    type Item: Lower + Lift + Send + Sync + Unpin + 'static;
    /// The error of the future.
    type Error: Lower + Lift + Send + Sync + 'static;
    /// One row, as the guest gets it.
    fn item(row: Row) -> Self::Item;
    /// An error, as the guest gets it.
    fn error(error: Error) -> Self::Error;
}

/// Hands `result` to the guest and returns the column names with it.
///
/// An error of the statement goes into the future, as on other hosts of the same components. Small results are
/// complete already; then no channel and no task is involved.
pub(super) fn deliver<G: Guest, T: 'static, D: HasData>(
    mut store: Access<'_, T, D>,
    result: Result<RowStream, Error>,
) -> wasmtime::Result<(Vec<String>, Delivery<G::Item, G::Error>)> {
    let (columns, rows, end) = match result.map(RowStream::into_ready) {
        Ok(Ok(Rows { columns, rows })) => (columns, rows, Ok(())),
        Ok(Err(running)) => return stream::<G, T, D>(store, running),
        Err(error) => (Vec::new(), Vec::new(), Err(G::error(error))),
    };
    let items: Vec<G::Item> = rows.into_iter().map(G::item).collect();
    let items = StreamReader::new(&mut store, items)?;
    let end = FutureReader::new(&mut store, async move { wasmtime::error::Ok(end) })?;
    Ok((columns, (items, end)))
}

fn stream<G: Guest, T: 'static, D: HasData>(
    mut store: Access<'_, T, D>,
    mut rows: RowStream,
) -> wasmtime::Result<(Vec<String>, Delivery<G::Item, G::Error>)> {
    let columns = std::mem::take(&mut rows.columns);
    let (end, ended) = oneshot::channel();
    let items = StreamReader::new(&mut store, Pieces::<G> { rows, end: Some(end) })?;
    let end = FutureReader::new(&mut store, ended)?;
    Ok((columns, (items, end)))
}

/// Moves rows from SQLite's thread into the guest, a piece at a time.
struct Pieces<G: Guest> {
    rows: RowStream,
    end: Option<oneshot::Sender<Result<(), G::Error>>>,
}

impl<G: Guest> Pieces<G> {
    fn end(&mut self, result: Result<(), G::Error>) {
        if let Some(end) = self.end.take() {
            // The guest may have dropped the future.
            let _ = end.send(result);
        }
    }
}

/// A guest that drops the stream early has not seen an error.
impl<G: Guest> Drop for Pieces<G> {
    fn drop(&mut self) {
        self.end(Ok(()));
    }
}

impl<G: Guest, T> StreamProducer<T> for Pieces<G> {
    type Item = G::Item;
    type Buffer = VecBuffer<G::Item>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: StoreContextMut<'a, T>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        // A read of nothing asks whether more may come.
        if destination.remaining(store.as_context_mut()) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        Poll::Ready(Ok(match self.rows.poll_next(context) {
            Poll::Ready(Some(Ok(piece))) => {
                let items: Vec<G::Item> = piece.into_iter().map(G::item).collect();
                destination.set_buffer(items.into());
                StreamResult::Completed
            }
            Poll::Ready(Some(Err(error))) => {
                self.end(Err(G::error(error)));
                StreamResult::Dropped
            }
            Poll::Ready(None) => {
                self.end(Ok(()));
                StreamResult::Dropped
            }
            Poll::Pending if finish => StreamResult::Cancelled,
            Poll::Pending => return Poll::Pending,
        }))
    }
}
