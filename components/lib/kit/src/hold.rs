//! Asking the edge to hold a connection (GRIP): a guest answers at once, and holds nothing itself.

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

use crate::error::ApiError;
use crate::reply::{Reply, Wake};

/// Whether whoever stands in front holds connections: `sam-host` says so itself; Pushpin signs what it forwards.
pub fn is_held_by_edge(headers: &HeaderMap) -> bool {
    headers.contains_key("x-sam-edge") || headers.contains_key("grip-sig")
}

/// Makes an answer a long-poll: the edge keeps it until a topic wakes, then asks `link` again, and sends it when
/// nothing has come up for `seconds`.
///
/// # Errors
/// When the link does not fit a header.
pub fn long_poll<O>(reply: Reply<O>, topic: Wake, seconds: u32, link: &str) -> Result<Reply<O>, ApiError> {
    let headers = [
        ("grip-hold", "response".to_owned()),
        ("grip-channel", topic.to_string()),
        ("grip-timeout", seconds.to_string()),
        ("grip-link", format!("<{link}>; rel=next")),
    ];
    headers.into_iter().try_fold(reply, |reply, (name, value)| {
        let value = HeaderValue::from_str(&value).map_err(|error| ApiError::internal(format!("{name}: {error}")))?;
        Ok(reply.header(HeaderName::from_static(name), value))
    })
}
