//! The HTTP half of opening a WebSocket, for the side that answers.

use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Response, StatusCode};
use thiserror::Error;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Why a request opens no WebSocket.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NotWebSocket {
    /// It asks for no upgrade, or for another protocol.
    #[error("the request does not ask for a WebSocket: `connection: upgrade` and `upgrade: websocket` are needed")]
    NoUpgrade,
    /// Another version than 13, the only one there is.
    #[error("only version 13 of the WebSocket protocol is served")]
    Version,
    /// No usable `sec-websocket-key`.
    #[error("sec-websocket-key must be 24 characters")]
    Key,
    /// The needed subprotocol was not offered.
    #[error("the WebSocket subprotocol {0:?} must be offered")]
    Protocol(&'static str),
}

/// Whether the request asks for a WebSocket, well-formed or not.
#[must_use]
pub fn is_wanted(headers: &HeaderMap) -> bool {
    lists(headers, &UPGRADE, "websocket")
}

/// The 101 that opens a WebSocket of subprotocol `protocol`.
///
/// # Errors
/// Names what the request lacks.
pub fn answer(headers: &HeaderMap, protocol: &'static str) -> Result<Response<()>, NotWebSocket> {
    if !is_wanted(headers) || !lists(headers, &CONNECTION, "upgrade") {
        return Err(NotWebSocket::NoUpgrade);
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(NotWebSocket::Version);
    }
    let key = headers
        .get(SEC_WEBSOCKET_KEY)
        .filter(|key| key.len() == 24)
        .ok_or(NotWebSocket::Key)?;
    if !lists(headers, &SEC_WEBSOCKET_PROTOCOL, protocol) {
        return Err(NotWebSocket::Protocol(protocol));
    }
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).map_err(|_| NotWebSocket::Key)?;
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answer = response.headers_mut();
    answer.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(SEC_WEBSOCKET_ACCEPT, accept);
    answer.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    Ok(response)
}

fn lists(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_handshake_is_answered() {
        // The key and its answer are those of RFC 6455 §1.3.
        let whole = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "other, sam.tunnel.v1"),
        ];
        let headers = |skip: &str| -> HeaderMap {
            let kept = whole.iter().filter(|(name, _)| *name != skip);
            kept.map(|(name, value)| {
                (
                    name.parse::<HeaderName>().unwrap(),
                    value.parse::<HeaderValue>().unwrap(),
                )
            })
            .collect()
        };
        let response = answer(&headers(""), crate::PROTOCOL).unwrap();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(response.headers()[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for (skip, expect) in [
            ("connection", NotWebSocket::NoUpgrade),
            ("upgrade", NotWebSocket::NoUpgrade),
            ("sec-websocket-version", NotWebSocket::Version),
            ("sec-websocket-key", NotWebSocket::Key),
            ("sec-websocket-protocol", NotWebSocket::Protocol(crate::PROTOCOL)),
        ] {
            assert_eq!(answer(&headers(skip), crate::PROTOCOL).unwrap_err(), expect);
        }
    }
}
