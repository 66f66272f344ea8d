//! An HTTP/1.1 server for any async function from request to response.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::body::Body;
use crate::host::Host;

/// Request line and headers together; a longer head is answered 431. What nginx and most browsers stay below.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// How long a client may take to send its request head; also how long a kept-alive connection may be silent.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// How much, and for how long, a refused client may go on sending so that it gets to read the refusal.
const DISCARDED_BYTES_MAX: u64 = 4 << 20;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);

/// Connections at a time; further ones wait in the listener's backlog.
const CONNECTIONS_MAX: usize = 10_000;

/// How long requests in flight may take to finish once the server is told to stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(20);

/// The wait after a failed accept, which is mostly a want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl Host {
    /// Serves this host on `listener` until `shutdown` is ready, then until what is in flight has ended.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let host = self.clone();
        let answer = move |request| {
            let host = host.clone();
            async move { host.handle(request).await }
        };
        serve(listener, answer, shutdown).await;
        if !self.drain(SHUTDOWN_TIMEOUT).await {
            tracing::warn!(limit = ?SHUTDOWN_TIMEOUT, "stopped with work after responses still in progress");
        }
    }
}

/// Serves `answer` on `listener` until `shutdown` is ready. Connections that are idle are closed then; requests in
/// flight have 20 seconds to finish.
///
/// Requests carry the client's [`SocketAddr`](std::net::SocketAddr) as an extension.
pub async fn serve<A, F>(listener: TcpListener, answer: A, shutdown: impl Future<Output = ()>)
where
    A: Fn(Request<Body>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let mut shutdown = pin!(shutdown);
    let (stop, stopped) = watch::channel(());
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, place)) => {
                let (answer, stopped) = (answer.clone(), stopped.clone());
                connections.spawn(async move {
                    connection(stream, answer, stopped).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    drop(stopped);
    drop(stop);
    let finished = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, finished).await.is_err() {
        tracing::warn!(limit = ?SHUTDOWN_TIMEOUT, "connections were cut: their requests did not finish in time");
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, Option<tokio::sync::OwnedSemaphorePermit>)> {
    let place = Arc::clone(places).acquire_owned().await.ok();
    let (stream, _) = listener.accept().await?;
    // Without this an answer in two writes waits 40 ms for the client's delayed acknowledgement.
    stream.set_nodelay(true)?;
    Ok((stream, place))
}

async fn connection<A, F>(stream: TcpStream, answer: A, mut stopped: watch::Receiver<()>)
where
    A: Fn(Request<Body>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let peer = stream.peer_addr().ok();
    let (stream, rest) = match with_second_handle(stream) {
        Ok(handles) => handles,
        Err(error) => return tracing::debug!(%error, ?peer, "a connection could not be prepared"),
    };
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        let answered = answer(request);
        async move { Ok::<_, std::convert::Infallible>(answered.await) }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        // The sender is dropped when the server is to stop.
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, ?peer, "a connection ended early");
        if error.is_parse() {
            discard(rest).await;
        }
    }
}

/// The connection, and a second handle to it that outlives hyper's.
fn with_second_handle(stream: TcpStream) -> io::Result<(TcpStream, std::net::TcpStream)> {
    let stream = stream.into_std()?;
    let second = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, second))
}

/// Reads what a client still sends after its head was refused. Closing with unread bytes resets the connection, and
/// the client would lose the answer that says why.
async fn discard(rest: std::net::TcpStream) {
    let Ok(rest) = TcpStream::from_std(rest) else { return };
    let mut rest = rest.take(DISCARDED_BYTES_MAX);
    let mut nowhere = tokio::io::sink();
    // Whether the client ends, fails or exceeds a limit: the connection is closed either way.
    let _ = tokio::time::timeout(DISCARD_TIMEOUT, tokio::io::copy(&mut rest, &mut nowhere)).await;
}
