//! The event stream of the caller's account.
//!
//! Behind an edge that speaks GRIP (`sam-host`, Pushpin) a guest only answers with what there is and says on which
//! topics to hold the connection and where to go on; it holds nothing itself. Without one, it looks each second.

use std::time::Duration;

use axum::body::Body;
use futures::{StreamExt, stream};
use http::HeaderValue;
use http::header::HeaderName;
use sam_contract::http::events::{Event, EventQuery};
use sam_contract::ids::AccountId;
use sam_contract::route::{EventStream, Query};
use sam_domain::users::Role;
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;
use sam_kit::hold;
use sam_kit::reply::{Answer, Answers, Reply, Wake};

use crate::store::events;

/// Events of one answer: the client's next request goes on from there.
const ROWS_MAX: u32 = 200;

/// The edge asks again after this long even when nothing happens, so that a revoked session stops watching.
const HOLD_S: u32 = 60;

/// Looks between two comments, one a second: a comment each 15 s is how a client that has gone is noticed.
const LOOKS_PER_COMMENT: u32 = 15;

/// `GET /api/events`
pub(crate) async fn stream(who: Principal, call: Call<Query<EventQuery>>) -> Result<Answer, ApiError> {
    let resumed = call.header("last-event-id").parse().ok();
    let after = match resumed.or(call.input.0.after) {
        Some(cursor) => cursor,
        None => events::newest(&CORE).await?,
    };
    let watch = Watch {
        account: who.account_id,
        sees_users: who.role >= Role::Admin,
    };
    if hold::is_held_by_edge(&call.headers) {
        held(watch, after).await?.answer()
    } else {
        Ok(polled(watch, after))
    }
}

#[derive(Clone, Copy)]
struct Watch {
    account: AccountId,
    sees_users: bool,
}

async fn held(watch: Watch, after: i64) -> Result<Reply<EventStream>, ApiError> {
    let found = events::after(&CORE, watch.account, watch.sees_users, after, ROWS_MAX).await?;
    let cursor = found.last().map_or(after, |event| event.seq);
    let mut topics = vec![Wake::Account(watch.account)];
    if watch.sees_users {
        topics.push(Wake::Users);
    }
    let topics: Vec<String> = topics.iter().map(ToString::to_string).collect();
    let headers = [
        ("grip-hold", "stream".to_owned()),
        ("grip-channel", topics.join(", ")),
        ("grip-timeout", HOLD_S.to_string()),
        ("grip-link", format!("</api/events?after={cursor}>; rel=next")),
        ("grip-keep-alive", r":\n\n; format=cstring; timeout=15".to_owned()),
    ];
    let mut reply = Reply::new(EventStream(frames(&found).into_bytes()));
    for (name, value) in headers {
        let value = HeaderValue::from_str(&value).map_err(|error| ApiError::internal(format!("{name}: {error}")))?;
        reply = reply.header(HeaderName::from_static(name), value);
    }
    Ok(reply)
}

/// Looks each second. The first frame is a comment, so that the client sees an open stream at once.
fn polled(watch: Watch, after: i64) -> Answer {
    let frames = stream::unfold((after, 0_u32), move |(cursor, looks)| async move {
        if looks > 0 {
            spin_sdk::time::sleep(Duration::from_secs(1)).await;
        }
        // A database that fails ends the stream: the browser comes back by itself, and is told what is wrong.
        let found = events::after(&CORE, watch.account, watch.sees_users, cursor, ROWS_MAX)
            .await
            .ok()?;
        let mut text = frames(&found);
        if looks % LOOKS_PER_COMMENT == 0 {
            text.push_str(":\n\n");
        }
        let cursor = found.last().map_or(cursor, |event| event.seq);
        Some((text, (cursor, looks.wrapping_add(1))))
    });
    let frames = frames.filter(|text| std::future::ready(!text.is_empty()));
    Answer::stream(Body::from_stream(frames.map(Ok::<_, std::convert::Infallible>)))
}

fn frames(events: &[Event]) -> String {
    let frame = |event: &Event| {
        let data = serde_json::to_string(event).unwrap_or_default();
        format!("id: {}\ndata: {data}\n\n", event.seq)
    };
    events.iter().map(frame).collect()
}
