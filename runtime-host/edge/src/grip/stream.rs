//! A held stream: the bodies of one answer after another as one response.

use super::hold::{Again, Answer, Shared};
use super::hub::Subscription;
use super::instruction::{self, Instruction, Mode};
use super::quota::Permit;
use crate::metrics::HoldGauge;
use crate::{Body, BoxError, Upstream};
use bytes::Bytes;
use futures::stream::unfold;
use http::Response;
use http::header::CONTENT_LENGTH;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error};

/// Turns an answer that asks for a stream hold into a response whose body goes on.
pub(super) fn hold<U: Upstream>(
    shared: Arc<Shared<U>>,
    again: Again,
    permit: Permit,
    instruction: Instruction,
    answer: Answer,
) -> Response<Body> {
    let (mut parts, body) = answer.response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    let now = Instant::now();
    let stream = HeldStream {
        _gauge: shared.metrics.hold("stream"),
        _permit: permit,
        shared,
        again,
        phase: Phase::Sending(body),
        next: Some(instruction),
        since: answer.since,
        spoke: now,
        asked: now,
    };
    Response::from_parts(parts, StreamBody::new(unfold(stream, HeldStream::next)).boxed_unsync())
}

/// ```text
///  Sending ── body ended, answer holds ──▶ Waiting ── wake or time up ──▶ (ask) ──▶ Sending
///     │  └─── body ended, no hold ────────────┐  └── not 2xx, shutdown ──┐
///     └────── body failed ────────────────────┴──────────────────────────┴──▶ Over
/// ```
enum Phase {
    Sending(Body),
    Waiting(Subscription, Instruction),
    Over,
}

struct HeldStream<U> {
    shared: Arc<Shared<U>>,
    again: Again,
    phase: Phase,
    /// What the answer being sent asks to do when it has been sent.
    next: Option<Instruction>,
    /// The latest wake before the answer being sent was asked for.
    since: u64,
    /// When the client last got a byte.
    spoke: Instant,
    /// When the application was last asked.
    asked: Instant,
    _gauge: HoldGauge,
    _permit: Permit,
}

impl<U: Upstream> HeldStream<U> {
    /// The next frame for the client. Polled by the server whenever the client's socket takes more, so a slow client slows
    /// only itself; the server's write deadline ends a client that takes nothing at all.
    async fn next(mut self) -> Option<(Result<Frame<Bytes>, BoxError>, Self)> {
        loop {
            match &mut self.phase {
                Phase::Sending(body) => match body.frame().await {
                    Some(Ok(frame)) if frame.is_data() => {
                        self.spoke = Instant::now();
                        return Some((Ok(frame), self));
                    }
                    Some(Ok(_trailers)) => {}
                    Some(Err(error)) => {
                        self.phase = Phase::Over;
                        return Some((Err(error), self));
                    }
                    None => self.phase = self.sent(),
                },
                Phase::Waiting(subscription, instruction) => {
                    let keep_alive = instruction.keep_alive.clone();
                    let every = keep_alive.as_ref().map_or(Duration::MAX, |keep_alive| keep_alive.every);
                    let quiet_until = self.spoke.checked_add(every);
                    tokio::select! {
                        biased;
                        () = self.shared.shutdown.cancelled() => self.phase = Phase::Over,
                        () = subscription.woken() => self.phase = self.ask().await,
                        () = sleep_until(self.asked + instruction.timeout) => self.phase = self.ask().await,
                        () = sleep_until(quiet_until.unwrap_or(self.asked)), if keep_alive.is_some() => {
                            self.spoke = Instant::now();
                            let content = keep_alive.map(|keep_alive| keep_alive.content).unwrap_or_default();
                            return Some((Ok(Frame::data(content)), self));
                        }
                    }
                }
                Phase::Over => return None,
            }
        }
    }

    fn sent(&mut self) -> Phase {
        match self.next.take() {
            Some(next) => Phase::Waiting(self.shared.wakes.hub().subscribe(&next.topics, self.since), next),
            None => Phase::Over,
        }
    }

    async fn ask(&mut self) -> Phase {
        let Phase::Waiting(_, instruction) = std::mem::replace(&mut self.phase, Phase::Over) else {
            return Phase::Over;
        };
        sleep_until(self.asked + self.shared.limits.interval_min).await;
        let path = self.again.uri.path();
        let answer = match self.shared.ask(&self.again, instruction.link.as_deref()).await {
            Ok(answer) => answer,
            Err(error) => {
                self.shared.metrics.hold_faults.inc();
                error!(path, %error, "a held stream ends: its link cannot be asked");
                return Phase::Over;
            }
        };
        self.asked = Instant::now();
        self.since = answer.since;
        let status = answer.response.status();
        if !status.is_success() {
            debug!(
                path,
                status = status.as_u16(),
                "a held stream ends: its link no longer answers with success"
            );
            return Phase::Over;
        }
        match instruction::parse(answer.response.headers()) {
            Ok(next) => self.next = next.filter(|next| next.mode == Mode::Stream),
            Err(error) => {
                self.shared.metrics.hold_faults.inc();
                error!(path, %error, "a held stream ends: its link asks for a hold that cannot be obeyed");
            }
        }
        Phase::Sending(answer.response.into_body())
    }
}
