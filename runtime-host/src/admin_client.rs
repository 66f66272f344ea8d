//! How another `sam-host` command talks to the running one: through the admin listener that it noted in its data
//! directory, with the ops token that only the owner of the data directory can read.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A command waits no longer for its answer.
const PATIENCE: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Sends an empty JSON object to `path` and reads the answer.
///
/// # Errors
/// When nobody answers at `address`, or not with success.
pub async fn post<T: DeserializeOwned>(address: &str, ops_token: &str, path: &str) -> Result<T> {
    let exchange = async {
        let stream = TcpStream::connect(address).await.with_context(|| {
            format!("sam-host does not answer at {address}, where it noted its admin listener; is it running?")
        })?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(HOST, address)
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, format!("Bearer {ops_token}"))
            .body(Full::new(Bytes::from_static(b"{}")))?;
        let answered = async {
            let (parts, body) = sender.send_request(request).await?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX)
                .collect()
                .await
                .map_err(anyhow::Error::from_boxed)?;
            anyhow::Ok((parts.status, body.to_bytes()))
        };
        let driven = async {
            tokio::select! {
                answered = answered => answered,
                // The connection ends before the answer only if it breaks.
                ended = connection => bail!("the connection to sam-host broke: {ended:?}"),
            }
        };
        let (status, body) = driven.await?;
        if !status.is_success() {
            bail!(
                "sam-host at {address} answered {status}: {}",
                String::from_utf8_lossy(&body)
            );
        }
        serde_json::from_slice(&body).context("sam-host answered something unexpected")
    };
    timeout(PATIENCE, exchange)
        .await
        .with_context(|| format!("no answer from sam-host within {} s", PATIENCE.as_secs()))?
}
