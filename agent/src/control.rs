//! The control plane as a client sees it: signed requests, and what its refusals mean.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use sam_contract::agent::auth::{Refused, Superseded};
use sam_contract::error::ErrorBody;
use sam_contract::ids::NodeId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::clock::{Clock, local_ms};
use crate::dial::Dialler;
use crate::identity::Identity;
use crate::token::authorization;

/// An answer of the control plane is never larger.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// An ordinary request is answered by then.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What the tunnel asks for.
pub const TUNNEL_PATH: &str = "/api/agent/v1/tunnel";

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    identity: Identity,
    dialler: Dialler,
    client: Client<Dialler, Full<Bytes>>,
    /// The server's clock.
    pub clock: Clock,
}

/// Why a request was not answered as wished.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The node was deleted: stop, and keep everything.
    #[error("the control plane has deleted this node")]
    Gone,
    /// A newer process runs for this node: stand down.
    #[error("a newer agent process runs for this node (epoch {0})")]
    Superseded(i64),
    /// The control plane does not accept who we are.
    #[error("the control plane refuses this agent: {0}")]
    Unauthorized(String),
    /// Any other refusal.
    #[error("the control plane answered {0}: {1}")]
    Status(StatusCode, String),
    /// It cannot be reached.
    #[error("the control plane cannot be reached: {0}")]
    Network(String),
    /// Its answer makes no sense.
    #[error("the control plane's answer cannot be read: {0}")]
    Malformed(String),
}

impl ControlError {
    /// Reads a refusal; `clock_was_wrong` when the same request may succeed with what was learned from it.
    pub fn from_refusal(status: StatusCode, body: &[u8], clock: &Clock, sent_ms: i64) -> (Self, bool) {
        let envelope = serde_json::from_slice::<ErrorBody>(body).ok();
        let details = envelope
            .as_ref()
            .and_then(|body| body.details.clone())
            .unwrap_or_default();
        let message = envelope.map_or_else(
            || String::from_utf8_lossy(body).chars().take(200).collect(),
            |e| e.message,
        );
        match status {
            StatusCode::UNAUTHORIZED => {
                let refused: Refused = serde_json::from_value(details).unwrap_or_default();
                if refused.gone {
                    return (Self::Gone, false);
                }
                let again = clock.learn(sent_ms, refused.server_time);
                (Self::Unauthorized(message), again)
            }
            StatusCode::CONFLICT => {
                let newer: Superseded = serde_json::from_value(details).unwrap_or_default();
                let error = newer
                    .stale_epoch
                    .map_or(Self::Status(status, message), Self::Superseded);
                (error, false)
            }
            StatusCode::FORBIDDEN => (Self::Unauthorized(message), false),
            _ => (Self::Status(status, message), false),
        }
    }
}

impl Control {
    /// A client for that identity.
    pub fn new(identity: Identity, clock: Clock) -> Self {
        let dialler = Dialler::new(identity.ca_file.clone());
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(2)
            .build(dialler.clone());
        Self {
            identity,
            dialler,
            client,
            clock,
        }
    }

    /// Who we are.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Makes connections to it.
    pub fn dialler(&self) -> &Dialler {
        &self.dialler
    }

    /// The `Authorization` header for one request.
    pub fn authorization(&self, node: NodeId, method: &str, path: &str) -> String {
        authorization(&self.identity.key, node, method, path, self.clock.now_ms())
    }

    /// `GET`; `path` is without the query.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &str,
        patience: Duration,
    ) -> Result<T, ControlError> {
        self.ask(Method::GET, path, query, Bytes::new(), patience).await
    }

    /// Sends a body.
    pub async fn send<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<T, ControlError> {
        let body = serde_json::to_vec(body).map_err(|error| ControlError::Malformed(error.to_string()))?;
        self.ask(method, path, "", body.into(), PATIENCE).await
    }

    /// Asks; once more when the answer taught that our clock is wrong.
    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: &str,
        body: Bytes,
        patience: Duration,
    ) -> Result<T, ControlError> {
        let mut first = true;
        loop {
            let sent_ms = local_ms();
            let (status, answer) = timeout(patience, self.once(&method, path, query, body.clone()))
                .await
                .map_err(|_| ControlError::Network("no answer in time".to_owned()))??;
            if status.is_success() {
                return serde_json::from_slice(&answer).map_err(|error| ControlError::Malformed(error.to_string()));
            }
            let (error, again) = ControlError::from_refusal(status, &answer, &self.clock, sent_ms);
            if !(again && first) {
                return Err(error);
            }
            first = false;
        }
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), ControlError> {
        let network = |error: &dyn std::error::Error| {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            ControlError::Network(format!("{error}{cause}"))
        };
        let mut url = self.identity.url.clone();
        url.set_path(path);
        url.set_query((!query.is_empty()).then_some(query));
        let mut request = Request::builder().method(method).uri(url.as_str());
        if let Some(node) = self.identity.node {
            request = request.header(
                http::header::AUTHORIZATION,
                self.authorization(node, method.as_str(), path),
            );
        }
        if !body.is_empty() {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
        }
        let request = request
            .header(http::header::ACCEPT, "application/json")
            .header(
                http::header::USER_AGENT,
                concat!("sam-agent/", env!("CARGO_PKG_VERSION")),
            )
            .body(Full::new(body))
            .map_err(|error| network(&error))?;
        let answer = self.client.request(request).await.map_err(|error| network(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|error| network(error.as_ref()))?;
        Ok((status, body.to_bytes()))
    }
}
