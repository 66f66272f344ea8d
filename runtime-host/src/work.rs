//! The host's own calls into components: private, with the ops token, typed.

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use sam_contract::http::edge::{Admit, Admitted, LocalNode, TunnelChange};
use sam_contract::http::work::{Due, DueQueue, HostLink, HostLinkPurpose, HostLinkToken, Migrated, Worked};
use sam_edge::{Body, Wakes, body};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// Answers of work routes are a few fields; an error may carry a report.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

type Call = dyn Fn(String, Request<Body>) -> BoxFuture<'static, Response<Body>> + Send + Sync;

/// Calls components by id. Cheap to clone.
#[derive(Clone)]
pub struct Components {
    call: Arc<Call>,
    authorization: HeaderValue,
    wakes: Wakes,
}

/// Why a call into a component gave no answer.
#[derive(Debug, Error)]
pub enum CallError {
    /// It answered, but not with success. `answer` is the error envelope.
    #[error("`{component}` answered {path} with {status}: {answer}")]
    Refused {
        /// The component's id.
        component: String,
        /// The path of the call.
        path: String,
        /// The status of the answer.
        status: StatusCode,
        /// The start of the answer's body.
        answer: String,
    },
    /// The answer broke off, or is not what the contract says.
    #[error("`{component}` answered {path} with something else than the contract says")]
    Malformed {
        /// The component's id.
        component: String,
        /// The path of the call.
        path: String,
        /// What was wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl fmt::Debug for Components {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Components").finish_non_exhaustive()
    }
}

impl Components {
    /// `call` hands a request to the component of that id. Wakes in answers go to `wakes`.
    ///
    /// # Errors
    /// When the token cannot stand in a header.
    pub fn new<C>(call: C, ops_token: &str, wakes: Wakes) -> Result<Self, http::header::InvalidHeaderValue>
    where
        C: Fn(String, Request<Body>) -> BoxFuture<'static, Response<Body>> + Send + Sync + 'static,
    {
        let mut authorization = HeaderValue::try_from(format!("Bearer {ops_token}"))?;
        authorization.set_sensitive(true);
        Ok(Self {
            call: Arc::new(call),
            authorization,
            wakes,
        })
    }

    /// Brings the databases to the schema of these components.
    ///
    /// # Errors
    /// When `ops` refuses or fails; the host must not serve then.
    pub async fn migrate(&self) -> Result<Migrated, CallError> {
        self.post("ops", "/_work/migrate", &serde_json::json!({})).await
    }

    /// A one-time link for the administrator.
    ///
    /// # Errors
    /// When `identity` refuses or fails.
    pub async fn login_link(&self) -> Result<HostLinkToken, CallError> {
        self.post(
            "identity",
            "/_work/login-link",
            &HostLink {
                purpose: HostLinkPurpose::FirstRun,
            },
        )
        .await
    }

    /// Which queues have something to do, and how all of them fare.
    ///
    /// # Errors
    /// When `ops` refuses or fails.
    pub async fn due(&self) -> Result<Due, CallError> {
        self.post("ops", "/_work/due", &serde_json::json!({})).await
    }

    /// Lets a component work on one of its queues.
    ///
    /// # Errors
    /// When the component refuses or fails.
    pub async fn work(&self, queue: &DueQueue) -> Result<Worked, CallError> {
        self.post(
            &queue.component,
            &format!("/_work/{}", queue.queue),
            &serde_json::json!({}),
        )
        .await
    }

    /// Whether a request may pass to a workspace.
    ///
    /// # Errors
    /// When `workspaces` refuses it, or fails.
    pub async fn admit(&self, ask: &Admit) -> Result<Admitted, CallError> {
        self.post("workspaces", "/_work/admit", ask).await
    }

    /// Tells that a node's tunnel opened or closed.
    ///
    /// # Errors
    /// When `nodes` refuses or fails.
    pub async fn tunnel_changed(&self, change: &TunnelChange) -> Result<(), CallError> {
        self.send("nodes", "/_work/tunnel", change).await.map(|_empty| ())
    }

    /// A one-time token with which this machine may join.
    ///
    /// # Errors
    /// When `nodes` refuses or fails.
    pub async fn local_node(&self) -> Result<LocalNode, CallError> {
        self.post("nodes", "/_work/local-node", &serde_json::json!({})).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        component: &str,
        path: &str,
        content: &impl Serialize,
    ) -> Result<T, CallError> {
        let bytes = self.send(component, path, content).await?;
        serde_json::from_slice(&bytes).map_err(|error| malformed(component, path, error.into()))
    }

    /// The body of a successful answer.
    async fn send(&self, component: &str, path: &str, content: &impl Serialize) -> Result<Bytes, CallError> {
        let malformed = |source| malformed(component, path, source);
        let content = serde_json::to_vec(content).map_err(|error| malformed(error.into()))?;
        let mut request = Request::new(body::full(content));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = path
            .parse()
            .map_err(|error: http::uri::InvalidUri| malformed(error.into()))?;
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, self.authorization.clone());

        let (parts, body) = (self.call)(component.to_owned(), request).await.into_parts();
        self.wakes.apply(&parts.headers);
        let bytes = body::read(body, ANSWER_BYTES_MAX).await.map_err(malformed)?;
        if !parts.status.is_success() {
            let answer = String::from_utf8_lossy(&bytes).chars().take(500).collect();
            let (component, path) = (component.to_owned(), path.to_owned());
            return Err(CallError::Refused {
                component,
                path,
                status: parts.status,
                answer,
            });
        }
        Ok(bytes)
    }
}

fn malformed(component: &str, path: &str, source: Box<dyn std::error::Error + Send + Sync>) -> CallError {
    CallError::Malformed {
        component: component.to_owned(),
        path: path.to_owned(),
        source,
    }
}
