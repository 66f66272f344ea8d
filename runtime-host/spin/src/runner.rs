//! One component, ready to answer requests: seats, instances, and what a client is told when an instance fails.

use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use http::header::CONTENT_LENGTH;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use wasmtime::PoolConcurrencyLimitError;
use wasmtime_wasi_http::handler::{InstantiationError, ProxyHandler, TrapOrPanicError};

use crate::answer;
use crate::body::{Body, GuestBody, LimitedBody};
use crate::instance::{Factory, Failure, Job};
use crate::limits::Limits;
use crate::metrics::ComponentMetrics;
use crate::scope::RequestScope;

/// A loaded component.
pub(crate) struct Runner {
    id: Arc<str>,
    handler: ProxyHandler<Factory>,
    /// One seat per instance that may be occupied at the same time.
    seats: Arc<Semaphore>,
    limits: Arc<Limits>,
    metrics: ComponentMetrics,
}

impl Runner {
    pub(crate) fn new(factory: Factory) -> Self {
        Self {
            id: Arc::clone(&factory.blueprint.id),
            seats: Arc::new(Semaphore::new(factory.limits.instances_max)),
            limits: Arc::clone(&factory.limits),
            metrics: factory.metrics.clone(),
            handler: ProxyHandler::new(factory),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Waits until no instance is occupied; new requests may occupy one again at once.
    pub(crate) async fn idle(&self) {
        let all = u32::try_from(self.limits.instances_max).unwrap_or(u32::MAX);
        let _ = self.seats.acquire_many(all).await;
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.seats.available_permits() == self.limits.instances_max
    }

    /// Lets the component answer `request`, whose URI must have scheme and authority. Never fails: what goes wrong
    /// becomes an error answer and, where that hides the cause, a log line.
    pub(crate) async fn run(&self, request: http::Request<Body>, scope: Arc<RequestScope>) -> http::Response<Body> {
        let started = Instant::now();
        let response = match self.answer(request, &scope).await {
            Ok(_) if scope.body_too_large() => self.body_too_large(&scope),
            Ok(response) => response,
            Err(refusal) => refusal,
        };
        self.metrics.answered(response.status(), started.elapsed());
        response
    }

    async fn answer(
        &self,
        request: http::Request<Body>,
        scope: &Arc<RequestScope>,
    ) -> Result<http::Response<Body>, http::Response<Body>> {
        let bytes_max = self.limits.body_bytes_max;
        if declared_length(&request).is_some_and(|length| length > bytes_max) {
            return Err(self.body_too_large(scope));
        }
        let seat = self.seat(scope).await?;
        let (failure, failed) = oneshot::channel();
        let job = Job {
            scope: Arc::clone(scope),
            failure,
            seat,
        };
        let request = request.map(|body| LimitedBody::wasi(body, bytes_max, scope));
        match self.handler.handle(job, request).await {
            Ok(response) => {
                scope.mark_head_sent();
                Ok(response.map(|body| GuestBody::boxed(body, Arc::clone(scope))))
            }
            Err(error) if error.is::<TrapOrPanicError>() => Err(self.failed(failed.await.ok(), scope)),
            Err(error) => Err(self.refused(&error, scope)),
        }
    }

    /// A seat at once, or after a wait in the queue, or 503.
    async fn seat(&self, scope: &RequestScope) -> Result<OwnedSemaphorePermit, http::Response<Body>> {
        if let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() {
            return Ok(seat);
        }
        let queued = Arc::clone(&self.seats).acquire_owned();
        if let Ok(Ok(seat)) = tokio::time::timeout(self.limits.queue_timeout, queued).await {
            return Ok(seat);
        }
        self.metrics.refused.inc();
        tracing::warn!(
            component = self.id(),
            request_id = scope.id(),
            instances_max = self.limits.instances_max,
            "no instance became free in time: all are busy with requests, open streams or work after a response"
        );
        Err(answer::busy(scope.id()))
    }

    /// The instance died before the response head.
    fn failed(&self, failure: Option<Failure>, scope: &RequestScope) -> http::Response<Body> {
        let (component, request_id) = (self.id(), scope.id());
        match failure {
            Some(Failure::TimedOut) => {
                tracing::warn!(component, request_id, limit = ?self.limits.request_timeout, "the component did not answer in time");
                answer::error(
                    StatusCode::GATEWAY_TIMEOUT,
                    "TIMEOUT",
                    "The request took too long.",
                    request_id,
                )
            }
            Some(Failure::Trapped(cause)) => {
                tracing::error!(component, request_id, cause, "the component trapped");
                answer::internal(request_id)
            }
            None => {
                tracing::error!(
                    component,
                    request_id,
                    "the task of the instance ended without a reason: a bug of this host"
                );
                answer::internal(request_id)
            }
        }
    }

    /// The request reached no guest, or the guest answered with an error instead of a response.
    fn refused(&self, error: &wasmtime::Error, scope: &RequestScope) -> http::Response<Body> {
        let (component, request_id) = (self.id(), scope.id());
        if let Some(failed) = error.downcast_ref::<InstantiationError<Job>>() {
            let cause = format!("{:?}", failed.error);
            tracing::error!(component, request_id, cause, "no instance could be made");
            return if failed.error.is::<PoolConcurrencyLimitError>() {
                answer::busy(request_id)
            } else {
                answer::internal(request_id)
            };
        }
        tracing::error!(
            component,
            request_id,
            cause = format!("{error:?}"),
            "the component answered with an error"
        );
        answer::internal(request_id)
    }

    fn body_too_large(&self, scope: &RequestScope) -> http::Response<Body> {
        let message = format!("The request body is longer than {} bytes.", self.limits.body_bytes_max);
        answer::error(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", &message, scope.id())
    }
}

fn declared_length(request: &http::Request<Body>) -> Option<u64> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
