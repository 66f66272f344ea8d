//! A held response: a long-poll that ends with news, or with what the application said to say when there is none.

use super::hold::{Again, Answer, Shared};
use super::instruction::{self, Instruction, Mode};
use super::quota::Permit;
use crate::answer::error_answer;
use crate::{Body, BoxError, Upstream, body};
use bytes::Bytes;
use http::{Response, StatusCode, response};
use std::sync::Arc;
use tokio::time::{Instant, sleep_until};
use tracing::error;

/// Holds the answer until a topic wakes and the link has news, or until time is up.
///
/// The deadline is that of the first answer: a link that keeps holding does not lengthen the client's wait.
pub(super) async fn hold<U: Upstream>(
    shared: Arc<Shared<U>>,
    again: Again,
    _permit: Permit,
    mut instruction: Instruction,
    mut answer: Answer,
) -> Response<Body> {
    let _gauge = shared.metrics.hold("response");
    let mut asked = Instant::now();
    let deadline = asked + instruction.timeout;
    loop {
        let subscription = shared.wakes.hub().subscribe(&instruction.topics, answer.since);
        let kept = match keep(answer.response, shared.limits.poll_bytes_max).await {
            Ok(kept) => kept,
            Err(message) => {
                shared.metrics.hold_faults.inc();
                error!(
                    path = again.uri.path(),
                    error = message,
                    "a long-poll ends: its body cannot be kept"
                );
                return error_answer(StatusCode::BAD_GATEWAY, "BAD_HOLD", "The answer could not be held.");
            }
        };
        let wake = async {
            subscription.woken().await;
            sleep_until(asked + shared.limits.interval_min).await;
        };
        tokio::select! {
            biased;
            () = shared.shutdown.cancelled() => return kept.into_response(),
            () = wake => {}
            () = sleep_until(deadline) => return kept.into_response(),
        }
        answer = match shared.ask(&again, instruction.link.as_deref()).await {
            Ok(answer) => answer,
            Err(error) => {
                shared.metrics.hold_faults.inc();
                error!(path = again.uri.path(), %error, "a long-poll ends early: its link cannot be asked");
                return kept.into_response();
            }
        };
        asked = Instant::now();
        let next = instruction::parse(answer.response.headers()).ok().flatten();
        match next.filter(|next| next.mode == Mode::Response && answer.response.status().is_success()) {
            Some(next) => instruction = next,
            None => return answer.response,
        }
    }
}

/// A response in memory, so that no guest is kept waiting beside its client.
struct Kept {
    parts: response::Parts,
    bytes: Bytes,
}

async fn keep(response: Response<Body>, bytes_max: u64) -> Result<Kept, BoxError> {
    let (parts, body) = response.into_parts();
    Ok(Kept {
        parts,
        bytes: body::read(body, bytes_max).await?,
    })
}

impl Kept {
    fn into_response(self) -> Response<Body> {
        Response::from_parts(self.parts, body::full(self.bytes))
    }
}
