//! `sam-agent status`: what the running agent says of itself, on its socket.

use std::path::Path;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::socket::connect;

/// Asks it; the answer is JSON.
pub async fn status(state_dir: &Path) -> anyhow::Result<String> {
    let socket = state_dir.join("agent.sock");
    let stream = connect(&socket)
        .await
        .with_context(|| format!("no agent runs with the state directory {}", state_dir.display()))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = http::Request::get("/v1/health")
        .header("host", "agent")
        .body(Empty::<Bytes>::new())?;
    let body = sender
        .send_request(request)
        .await?
        .into_body()
        .collect()
        .await?
        .to_bytes();
    let health: serde_json::Value = serde_json::from_slice(&body)?;
    Ok(serde_json::to_string_pretty(&health)?)
}
