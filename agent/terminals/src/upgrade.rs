//! The WebSocket handshake of a terminal, on whatever HTTP server the agent runs.

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use sam_contract::ids::TerminalId;
use sam_contract::terminal::{FRAME_BYTES_MAX, SUBPROTOCOL};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::{Access, Terminals, serve};

impl Terminals {
    /// Answers the upgrade and serves the session in a task of its own. The caller has decided that this request may.
    pub fn upgrade<B>(&self, request: &mut Request<B>, id: TerminalId, access: Access) -> Response<String> {
        let accept = match accept(request.headers()) {
            Ok(accept) => accept,
            Err((status, why)) => return refused(status, why),
        };
        let upgraded = hyper::upgrade::on(request);
        let terminals = self.clone();
        tokio::spawn(async move {
            match upgraded.await {
                Ok(upgraded) => {
                    let io = TokioIo::new(upgraded);
                    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config())).await;
                    serve(&terminals, id, access, socket).await;
                }
                Err(error) => tracing::debug!(%error, terminal = %id, "a terminal's upgrade did not happen"),
            }
        });
        let mut response = Response::new(String::new());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        response
    }
}

/// Frames are small; nothing larger is taken in, and little waits in the socket's own buffer.
fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX))
        .read_buffer_size(16 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * FRAME_BYTES_MAX)
}

fn accept(headers: &HeaderMap) -> Result<HeaderValue, (StatusCode, &'static str)> {
    let has = |name, wanted: &str| {
        let values = headers
            .get_all(name)
            .into_iter()
            .filter_map(|value| value.to_str().ok());
        let mut words = values.flat_map(|value| value.split(','));
        words.any(|word| word.trim().eq_ignore_ascii_case(wanted))
    };
    if !has(header::UPGRADE, "websocket") || !has(header::SEC_WEBSOCKET_VERSION, "13") {
        return Err((StatusCode::UPGRADE_REQUIRED, "a terminal is a WebSocket"));
    }
    if !has(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
        return Err((
            StatusCode::BAD_REQUEST,
            "the subprotocol sam.terminal.v1 was not offered",
        ));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes);
    let key = key.ok_or((StatusCode::BAD_REQUEST, "no Sec-WebSocket-Key"))?;
    HeaderValue::try_from(derive_accept_key(key)).map_err(|_| (StatusCode::BAD_REQUEST, "a damaged Sec-WebSocket-Key"))
}

fn refused(status: StatusCode, message: &str) -> Response<String> {
    let mut response = Response::new(format!(r#"{{"error":"BAD_REQUEST","message":"{message}"}}"#));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    if status == StatusCode::UPGRADE_REQUIRED {
        let upgrade = HeaderValue::from_static("websocket");
        response.headers_mut().insert(header::UPGRADE, upgrade);
    }
    response
}
