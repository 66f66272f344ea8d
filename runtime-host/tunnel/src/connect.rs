//! The dialling side: from a connected stream to an open WebSocket.

use crate::PROTOCOL;
use crate::pipe::Socket;
use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONNECTION, HOST, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::time::Duration;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The other side's answer must be there within this time.
const PATIENCE: Duration = Duration::from_secs(20);
/// A refusal is an error envelope.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

/// What to ask for.
#[derive(Clone, Debug)]
pub struct Dial {
    /// The `Host` header: name and port of the control plane.
    pub host: String,
    /// The path of the tunnel route.
    pub path: String,
    /// The `Authorization` header.
    pub authorization: String,
}

/// Why no tunnel was opened.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The other side answered, but not with an upgrade. The body is its error envelope.
    #[error("the tunnel was refused with {status}: {}", String::from_utf8_lossy(.body))]
    Refused {
        /// The status of the answer.
        status: StatusCode,
        /// The answer's body, cut off at 64 KiB.
        body: Bytes,
    },
    /// The request could not be sent or its answer not be read.
    #[error("the tunnel could not be asked for")]
    Http(#[from] hyper::Error),
    /// A value of [`Dial`] cannot stand in a request.
    #[error("the request for the tunnel is malformed")]
    Request(#[from] http::Error),
    /// Something answered 101 that does not speak the protocol.
    #[error("the answer opens no WebSocket of subprotocol {PROTOCOL}")]
    NotTunnel,
    /// No answer.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    TimedOut,
}

/// Asks for a tunnel over a connected stream, which has TLS if it needs any. TCP streams should have `TCP_NODELAY` set.
///
/// # Errors
/// When it is refused, or the other side is no edge.
pub async fn connect<S>(stream: S, dial: &Dial) -> Result<Socket, ConnectError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    timeout(PATIENCE, ask(stream, dial))
        .await
        .map_err(|_| ConnectError::TimedOut)?
}

async fn ask<S>(stream: S, dial: &Dial) -> Result<Socket, ConnectError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let key = generate_key();
    let mut authorization = HeaderValue::try_from(&dial.authorization).map_err(http::Error::from)?;
    authorization.set_sensitive(true);
    let request = Request::get(&dial.path)
        .header(HOST, &dial.host)
        .header(AUTHORIZATION, authorization)
        .header(CONNECTION, "upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key)
        .header(SEC_WEBSOCKET_PROTOCOL, PROTOCOL)
        .body(Empty::<Bytes>::new())?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Its errors are those of the request.
    tokio::spawn(async move { connection.with_upgrades().await.ok() });
    let mut response = sender.send_request(request).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let status = response.status();
        let body = Limited::new(response.into_body(), REFUSAL_BYTES_MAX).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        return Err(ConnectError::Refused { status, body });
    }
    let says = |name, text: &str| response.headers().get(name).is_some_and(|value| value == text);
    if !says(SEC_WEBSOCKET_ACCEPT, &derive_accept_key(key.as_bytes())) || !says(SEC_WEBSOCKET_PROTOCOL, PROTOCOL) {
        return Err(ConnectError::NotTunnel);
    }
    let upgraded = hyper::upgrade::on(&mut response).await?;
    Ok(Socket::client(upgraded).await)
}
