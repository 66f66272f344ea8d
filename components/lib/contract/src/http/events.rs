//! The event log of the caller's account, as a stream.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ids::{AccountId, EventId};

/// One event; also the `data:` of a server-sent event, whose `id:` is `seq`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Place in the log, and the cursor.
    pub seq: i64,
    /// Made by whoever caused the event; unique within its session.
    pub id: EventId,
    /// Whose.
    pub account_id: AccountId,
    /// What happened, for example `user.updated`. Show unknown kinds generically.
    pub kind: String,
    /// Version of the payload's shape.
    pub v: u32,
    /// Who caused it.
    #[schema(required)]
    pub actor: Option<String>,
    /// What exactly; its shape follows from `kind` and `v`.
    #[schema(value_type = Object)]
    pub payload: serde_json::Value,
    /// When.
    pub at: i64,
}

/// Where to start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EventQuery {
    /// Only events after this cursor. Without it (and without `Last-Event-ID`) the stream starts now.
    #[serde(default)]
    pub after: Option<i64>,
}
