//! The one task of a tunnel: it alone polls the connection, opens streams, pings, and notices the end.

use crate::close::{CloseReason, Ended, GOING_AWAY};
use crate::control::{Control, Liveness};
use crate::pipe::{Pipe, Socket};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use yamux::{Config, Connection, ConnectionError, Mode};

/// The other side has so long to answer our goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
/// yamux ends the whole connection when one side opens more: the opener stops well before.
const STREAMS_ACCEPTED: usize = 2560;
/// Every stream has 256 KiB of window; streams that prove to need more may share so much on top.
const WINDOW_BYTES_EXTRA: usize = 16 * 1024 * 1024;

/// Asks for a new stream.
pub(crate) type Order = oneshot::Sender<yamux::Stream>;

/// A tunnel from the inside.
pub(crate) struct Drive {
    connection: Connection<Pipe>,
    control: Arc<Control>,
    liveness: Liveness,
    /// Cancelled when this side wants to end the tunnel; why is in the control.
    close: CancellationToken,
    orders: Option<mpsc::Receiver<Order>>,
    waiting: Option<Order>,
}

impl Drive {
    pub(crate) fn new(
        socket: Socket,
        mode: Mode,
        control: Arc<Control>,
        liveness: Liveness,
        close: CancellationToken,
        orders: Option<mpsc::Receiver<Order>>,
    ) -> Self {
        let mut config = Config::default();
        // In this order: yamux checks one against the other.
        config.set_max_connection_receive_window(None);
        config.set_max_num_streams(STREAMS_ACCEPTED);
        config.set_max_connection_receive_window(Some(
            STREAMS_ACCEPTED * yamux::DEFAULT_CREDIT as usize + WINDOW_BYTES_EXTRA,
        ));
        Self {
            connection: Connection::new(Pipe::new(socket, Arc::clone(&control)), config, mode),
            control,
            liveness,
            close,
            orders,
            waiting: None,
        }
    }

    /// Runs until the tunnel ends; dropping it ends the tunnel without a word. Each stream that the other side opens goes
    /// to `inbound`.
    pub(crate) async fn run(mut self, mut inbound: impl FnMut(yamux::Stream)) -> Ended {
        let mut tick = interval(self.liveness.tick());
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (close, control) = (self.close.clone(), Arc::clone(&self.control));
        let mut close = pin!(async move {
            close.cancelled().await;
            // Unless whoever cancelled has said why.
            control.want_close(CloseReason {
                code: GOING_AWAY,
                text: String::new(),
            });
            sleep(GOODBYE).await;
        });
        let mut pinged = Instant::now();
        poll_fn(|cx| {
            if self.watch(&mut tick, &mut pinged, cx) {
                return Poll::Ready(Ended::Silent);
            }
            if close.as_mut().poll(cx).is_ready() {
                return Poll::Ready(self.ended(Ok(())));
            }
            loop {
                if let Err(error) = self.open(cx) {
                    return Poll::Ready(self.ended(Err(error)));
                }
                match self.connection.poll_next_inbound(cx) {
                    Poll::Ready(Some(Ok(stream))) => inbound(stream),
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(self.ended(Err(error))),
                    Poll::Ready(None) => return Poll::Ready(self.ended(Ok(()))),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }

    /// Pings when it is time; whether the other side has been silent for too long.
    fn watch(&self, tick: &mut Interval, pinged: &mut Instant, cx: &mut Context<'_>) -> bool {
        while tick.poll_tick(cx).is_ready() {
            if self.control.silence() > self.liveness.silence_max {
                return true;
            }
            if self.liveness.ping_every.is_some_and(|every| pinged.elapsed() >= every) {
                *pinged = Instant::now();
                self.control.wants_ping.store(true, Ordering::Relaxed);
            }
        }
        false
    }

    /// Serves orders as far as possible now.
    fn open(&mut self, cx: &mut Context<'_>) -> Result<(), ConnectionError> {
        loop {
            if self.waiting.as_ref().is_none_or(Order::is_closed) {
                let Some(orders) = &mut self.orders else {
                    return Ok(());
                };
                match orders.poll_recv(cx) {
                    Poll::Ready(Some(order)) => self.waiting = Some(order),
                    Poll::Ready(None) => self.orders = None,
                    Poll::Pending => return Ok(()),
                }
                continue;
            }
            match self.connection.poll_new_outbound(cx) {
                Poll::Ready(Ok(stream)) => {
                    if let Some(order) = self.waiting.take() {
                        // Whoever ordered it may be gone; the stream is reset then.
                        order.send(stream).ok();
                    }
                }
                Poll::Ready(Err(error)) => return Err(error),
                // Too many streams that the other side has not yet looked at.
                Poll::Pending => return Ok(()),
            }
        }
    }

    fn ended(&self, result: Result<(), ConnectionError>) -> Ended {
        if let Some(reason) = self.control.wanted_close() {
            return Ended::ClosedHere(reason);
        }
        if let Some(reason) = self.control.received_close() {
            return Ended::ClosedByPeer(reason);
        }
        match result {
            Ok(()) | Err(ConnectionError::Closed) => Ended::Disconnected,
            Err(ConnectionError::Io(error)) => Ended::Broken(error),
            Err(error) => Ended::Broken(io::Error::other(error)),
        }
    }
}
