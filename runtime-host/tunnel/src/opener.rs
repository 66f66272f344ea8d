//! The edge's half: opens streams and sends HTTP requests through them.

use crate::close::{CloseReason, Ended};
use crate::control::{Control, Liveness, Traffic};
use crate::drive::{Drive, Order};
use crate::pipe::Socket;
use crate::stream::TunnelStream;
use http::header::{HOST, HeaderValue};
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use yamux::Mode;

/// Streams of one tunnel at once. More are refused, not queued.
pub const STREAMS_MAX: u32 = 2048;
/// A stream is there at once, unless the other side leaves hundreds of streams unanswered.
const OPEN_MAX: Duration = Duration::from_secs(10);
/// Requests that wait for the driving task.
const ORDERS_MAX: usize = 64;

/// Why a stream could not be opened.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OpenError {
    /// The tunnel has ended or is about to.
    #[error("the tunnel is closed")]
    Closed,
    /// [`STREAMS_MAX`] streams are open.
    #[error("the tunnel carries {STREAMS_MAX} streams already")]
    Full,
    /// The other side does not take up streams.
    #[error("the other side of the tunnel took no stream up within {} s", OPEN_MAX.as_secs())]
    TimedOut,
}

/// Why a request got no answer.
#[derive(Debug, Error)]
pub enum SendError {
    /// No stream for it.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The exchange broke off.
    #[error("the exchange through the tunnel broke off")]
    Http(#[from] hyper::Error),
}

/// Opens streams of one tunnel. Cheap to clone; the tunnel lives on when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Opener {
    orders: mpsc::Sender<Order>,
    places: Arc<Semaphore>,
    control: Arc<Control>,
    close: CancellationToken,
}

/// Takes a tunnel into use on the side that opens streams. The future is the tunnel: spawn it; it resolves when it ended.
pub fn open(
    socket: Socket,
    liveness: Liveness,
    traffic: Traffic,
) -> (Opener, impl Future<Output = Ended> + Send + 'static) {
    let (orders, ordered) = mpsc::channel(ORDERS_MAX);
    let control = Control::new(traffic);
    let close = CancellationToken::new();
    let drive = Drive::new(
        socket,
        Mode::Client,
        Arc::clone(&control),
        liveness,
        close.clone(),
        Some(ordered),
    );
    let opener = Opener {
        orders,
        places: Arc::new(Semaphore::new(STREAMS_MAX as usize)),
        control,
        close,
    };
    // The other side opens no streams; one that does has them reset.
    (opener, drive.run(drop))
}

impl Opener {
    /// Opens a stream.
    ///
    /// # Errors
    /// When the tunnel is closed or full.
    pub async fn open(&self) -> Result<TunnelStream, OpenError> {
        if !self.is_open() {
            return Err(OpenError::Closed);
        }
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| OpenError::Full)?;
        let (order, stream) = oneshot::channel();
        let opened = async {
            self.orders.send(order).await.map_err(|_| OpenError::Closed)?;
            stream.await.map_err(|_| OpenError::Closed)
        };
        let stream = timeout(OPEN_MAX, opened).await.map_err(|_| OpenError::TimedOut)??;
        self.control.traffic.count_stream();
        Ok(TunnelStream::new(stream, Some(place)))
    }

    /// Sends one HTTP/1.1 request through a stream of its own. The response's body streams; an upgrade is taken with
    /// `hyper::upgrade::on(&mut response)`. Dropping the response or this future ends the exchange on the other side, too.
    ///
    /// # Errors
    /// When the tunnel is closed or full, or the exchange breaks off before the response's head.
    pub async fn send<B>(&self, mut request: Request<B>) -> Result<Response<Incoming>, SendError>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let stream = self.open().await?;
        let headers = request.headers_mut();
        headers.entry(HOST).or_insert(HeaderValue::from_static("tunnel"));
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Its errors are those of the request or of the response's body.
        tokio::spawn(async move { connection.with_upgrades().await.ok() });
        Ok(sender.send_request(request).await?)
    }

    /// Says goodbye. Streams that are open break off; see [`Opener::drained`].
    pub fn close(&self, code: u16, text: &str) {
        self.control.want_close(CloseReason {
            code,
            text: text.to_owned(),
        });
        self.close.cancel();
    }

    /// Whether streams can be opened.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.close.is_cancelled() && !self.orders.is_closed()
    }

    /// How many streams are open.
    #[must_use]
    pub fn streams(&self) -> usize {
        (STREAMS_MAX as usize).saturating_sub(self.places.available_permits())
    }

    /// Waits until no stream is open.
    pub async fn drained(&self) {
        // The semaphore is never closed.
        self.places.acquire_many(STREAMS_MAX).await.ok();
    }
}
