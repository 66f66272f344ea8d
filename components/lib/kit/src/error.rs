//! Errors of handlers, and their one way to the wire.
//!
//! What a caller may know becomes the envelope. Internal text stays here: it goes to the log and the `errors` table.

use sam_contract::error::{ErrorBody, ErrorCode};
use sam_contract::ids::RequestId;

use crate::db::DbError;

/// Why a request is not answered with success.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// For programs.
    pub code: ErrorCode,
    /// For people: what failed, with the value, and what to do next.
    pub message: String,
    /// More, where the code promises it.
    pub details: Option<serde_json::Value>,
    /// For the log only.
    pub internal: Option<String>,
}

impl ApiError {
    /// A failure that the caller may read about.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            details: None,
            internal: None,
        }
    }

    /// A part of the request is wrong.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest, message)
    }

    /// A miss. It says nothing about whether the thing exists for someone else.
    pub fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "There is no such thing, or it is not yours.")
    }

    /// The thing is in a state that does not allow this.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Conflict, message)
    }

    /// The caller may not do this.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Forbidden, message)
    }

    /// Our fault; `internal` goes to the log only.
    pub fn internal(internal: impl Into<String>) -> Self {
        Self {
            internal: Some(internal.into()),
            ..Self::new(
                ErrorCode::InternalError,
                "Something failed on our side. The log has more under this request id.",
            )
        }
    }

    /// Something we need does not answer; `internal` goes to the log only.
    pub fn unavailable(message: impl Into<String>, internal: impl Into<String>) -> Self {
        Self {
            internal: Some(internal.into()),
            ..Self::new(ErrorCode::ServiceUnavailable, message)
        }
    }

    /// Adds details.
    #[must_use]
    pub fn with_details(mut self, details: serde_json::Value) -> Self {
        self.details = Some(details);
        self
    }

    /// What the caller gets.
    pub fn into_body(self, request_id: Option<RequestId>) -> ErrorBody {
        ErrorBody {
            error: self.code,
            message: self.message,
            details: self.details,
            request_id,
        }
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        Self::internal(format!("database: {error}"))
    }
}
