//! An HTTP/1.1 server for any async function: one task per connection, limits, and a graceful end.

use crate::body::{Body, BoxError};
use crate::stall::WriteDeadline;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// Limits of a server.
#[derive(Clone, Debug)]
pub struct ServeLimits {
    /// Connections at once; more wait in the kernel's queue.
    pub connections_max: u32,
    /// A request head must arrive within this time; an idle keep-alive connection ends after it, too.
    pub head_timeout: Duration,
    /// A request head may have so many bytes (answered by 431).
    pub head_bytes_max: usize,
    /// A client that takes no byte of a response for so long is disconnected.
    pub write_stall_max: Duration,
    /// Requests in flight get so long to finish after shutdown.
    pub drain: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            head_timeout: Duration::from_secs(60),
            head_bytes_max: 64 * 1024,
            write_stall_max: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

/// Serves `listener` until `shutdown` is cancelled and the requests in flight have ended, or had `limits.drain` to do so.
///
/// Returns whether everything in flight had ended.
pub async fn serve<S, F>(listener: TcpListener, service: S, limits: ServeLimits, shutdown: CancellationToken) -> bool
where
    S: Fn(Request<Body>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send,
{
    let places = Arc::new(Semaphore::new(limits.connections_max as usize));
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, (stream, address)) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            (place, accepted) = accepted => match (place, accepted) {
                (Ok(place), Ok(accepted)) => (place, accepted),
                (_, Err(error)) => {
                    // Out of file descriptors, mostly: the connections that are there must end first.
                    warn!(%error, "a connection could not be accepted");
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
                // Nobody closes the semaphore.
                (Err(_), _) => break,
            },
        };
        let (service, limits, shutdown) = (service.clone(), limits.clone(), shutdown.clone());
        tokio::spawn(async move {
            connection(stream, address, service, &limits, &shutdown).await;
            drop(place);
        });
    }
    drop(listener);
    // Every connection has a place; when all places are free again, all connections have ended.
    timeout(limits.drain, places.acquire_many(limits.connections_max))
        .await
        .is_ok()
}

async fn connection<S, F>(
    stream: TcpStream,
    address: SocketAddr,
    service: S,
    limits: &ServeLimits,
    shutdown: &CancellationToken,
) where
    S: Fn(Request<Body>, SocketAddr) -> F,
    F: Future<Output = Response<Body>>,
{
    // Without it a keep-alive answer may wait 40 ms for the client's delayed ACK.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "TCP_NODELAY could not be set");
    }
    let io = TokioIo::new(WriteDeadline::new(stream, limits.write_stall_max));
    let answer = service_fn(|request: Request<Incoming>| {
        let request = request.map(|body| body.map_err(BoxError::from).boxed_unsync());
        let response = service(request, address);
        async { Ok::<_, Infallible>(response.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(limits.head_bytes_max)
        .serve_connection(io, answer)
        // A switched connection is its new owner's, who has limits and an end of its own.
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection ended early");
    }
}
