//! The agent's half: HTTP requests that come in through the tunnel go to a service.

use crate::close::Ended;
use crate::control::{Control, Liveness, Traffic};
use crate::drive::Drive;
use crate::pipe::Socket;
use crate::stream::TunnelStream;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::poll_fn;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tower_service::Service;
use tracing::debug;
use yamux::Mode;

/// The edge sends the head at once after opening a stream.
const HEAD_MAX: Duration = Duration::from_secs(30);

/// Serves the requests that come through a tunnel until it ends, or until `shutdown` is cancelled and goodbye is said.
///
/// `service` is any `tower` service of HTTP, such as an `axum::Router`; WebSocket upgrades work. A client that goes away
/// ends its request: the service's future and response body are dropped.
pub async fn serve<S, B>(
    socket: Socket,
    service: S,
    liveness: Liveness,
    traffic: Traffic,
    shutdown: CancellationToken,
) -> Ended
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let control = Control::new(traffic.clone());
    let drive = Drive::new(socket, Mode::Server, control, liveness, shutdown, None);
    drive
        .run(move |stream| {
            traffic.count_stream();
            tokio::spawn(exchange(TunnelStream::new(stream, None), service.clone()));
        })
        .await
}

async fn exchange<S, B>(stream: TunnelStream, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let answer = service_fn(move |request| {
        let mut service = service.clone();
        async move {
            poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(request).await
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades();
    if let Err(error) = connection.await {
        debug!(%error, "an exchange through the tunnel ended early");
    }
}
