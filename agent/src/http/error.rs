//! Failures in the control plane's own envelope: the edge passes them on unchanged.

use std::io;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sam_agent_terminals::TerminalError;
use sam_contract::error::{ErrorBody, ErrorCode};

/// Tells the edge that the agent answered, and not what it forwarded to.
pub(super) const ERROR_HEADER: HeaderName = HeaderName::from_static("x-sam-error");

/// What a handler returns.
pub(super) type Answer<T> = Result<T, ApiError>;

/// A failure.
#[derive(Debug)]
pub(super) struct ApiError {
    code: ErrorCode,
    message: String,
}

impl ApiError {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// A file operation failed; `path` is what the user named.
    pub(super) fn file(path: &str, error: &io::Error) -> Self {
        use io::ErrorKind;
        let code = match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => ErrorCode::NotFound,
            ErrorKind::AlreadyExists | ErrorKind::ResourceBusy => ErrorCode::Conflict,
            ErrorKind::PermissionDenied => ErrorCode::Forbidden,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ErrorCode::ServiceUnavailable,
            _ => ErrorCode::BadRequest,
        };
        Self::new(code, format!("`{path}`: {error}"))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let code = serde_json::to_value(self.code).unwrap_or_default();
        let code = HeaderValue::from_str(code.as_str().unwrap_or_default()).ok();
        let body = ErrorBody {
            error: self.code,
            message: self.message,
            details: None,
            request_id: None,
        };
        let mut response = (status, Json(body)).into_response();
        if let Some(code) = code {
            response.headers_mut().insert(ERROR_HEADER, code);
        }
        response
    }
}

impl From<sam_agent_domain::paths::Refused> for ApiError {
    fn from(refused: sam_agent_domain::paths::Refused) -> Self {
        Self::new(ErrorCode::BadRequest, refused.message())
    }
}

impl From<TerminalError> for ApiError {
    fn from(error: TerminalError) -> Self {
        let code = match &error {
            TerminalError::NotFound => ErrorCode::NotFound,
            TerminalError::AlreadyExists | TerminalError::Limit => ErrorCode::Conflict,
            TerminalError::Start(_) | TerminalError::TooLong { .. } => ErrorCode::BadRequest,
            TerminalError::Unreachable(_) | TerminalError::TimedOut(_) => ErrorCode::NotReady,
            TerminalError::Protocol(_) => ErrorCode::InternalError,
        };
        Self::new(code, error.to_string())
    }
}

impl From<tokio::task::JoinError> for ApiError {
    fn from(error: tokio::task::JoinError) -> Self {
        tracing::error!(%error, "a request's work has died");
        Self::new(ErrorCode::InternalError, "the agent failed; its log says why")
    }
}
