//! The one error envelope of the API, and the closed list of its codes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::RequestId;

/// What went wrong, for programs. The HTTP status follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// The request is malformed; the message names the part.
    BadRequest,
    /// No credential, or one that is unknown, expired or revoked.
    Unauthorized,
    /// The credential is good but may not do this.
    Forbidden,
    /// The user waits for an administrator's approval.
    ApprovalRequired,
    /// No such thing, or none that the caller may know of.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The thing changed meanwhile, or is in a state that does not allow this.
    Conflict,
    /// The body is longer than this route takes.
    PayloadTooLarge,
    /// The body is not JSON.
    UnsupportedMediaType,
    /// Too many requests; `details.retry_after_s` says when to come back.
    RateLimitExceeded,
    /// Our fault. The log has more under the request id.
    InternalError,
    /// Not yet: something is starting.
    NotReady,
    /// Something this needs does not answer.
    ServiceUnavailable,
    /// The operator has not set this up.
    NotConfigured,
    /// The node does not answer: its tunnel is not open, or broke off.
    NodeUnreachable,
}

impl ErrorCode {
    /// The HTTP status that goes with the code.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden | Self::ApprovalRequired => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::RateLimitExceeded => 429,
            Self::InternalError => 500,
            Self::NotReady | Self::ServiceUnavailable | Self::NotConfigured | Self::NodeUnreachable => 503,
        }
    }
}

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// For programs.
    pub error: ErrorCode,
    /// For people: what failed, with the value, and what to do next.
    pub message: String,
    /// More, where the code promises it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub details: Option<serde_json::Value>,
    /// Names this request in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
}
