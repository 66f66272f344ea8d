//! A subset of the open GRIP protocol: the application answers at once and the edge holds the connection.
//!
//! ```text
//!            ┌───────────── request ─────────────┐
//!            ▼                                   │ Grip-Link, when a topic wakes or time is up
//!   client ─▶ application ─ Grip-Hold: stream ─▶ send body, keep alive … ─┐
//!                       │                            ▲───────────────────┘ until the answer does not hold
//!                       └ Grip-Hold: response ─▶ keep body … wake: ask again; time up: send the last body
//! ```
//!
//! | header | meaning here |
//! |---|---|
//! | `Grip-Hold` | `stream`: send the body and go on; `response`: a long-poll, the body is what a time-out will say |
//! | `Grip-Channel` | comma list of topics; parameters after `;` are ignored |
//! | `Grip-Timeout` | seconds: a long-poll ends, a stream asks its link again (so a revoked session ends) |
//! | `Grip-Link` | `<uri>; rel=next`: what to ask next, on the same host; required for `stream` |
//! | `Grip-Keep-Alive` | bytes to send while idle, `; format=raw|cstring; timeout=<s>`; an SSE comment each 15 s by default |
//!
//! The next request repeats the client's own headers, so the application authorises again each time. A wake between
//! the application's look at its data and the hold is never lost: [`Hub`] numbers wakes, the number is taken before the
//! request, and a hold on a topic that woke since is ready at once. Many wakes during one request are one wake.
//!
//! A held stream is a body that the server polls: no task, no buffer of its own, gone when the client is.

mod hold;
mod hub;
mod instruction;
mod poll;
mod quota;
mod stream;

pub use hub::Hub;
pub use quota::HoldLimits;

pub(crate) use hold::Holder;
