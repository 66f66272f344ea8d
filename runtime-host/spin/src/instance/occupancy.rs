//! Who occupies an instance, and what happens to them when it dies.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::handler::{ShouldAccept, WorkerState};

use super::Job;
use crate::metrics::ComponentMetrics;
use crate::scope::RequestScope;
use crate::state::GuestState;

/// Why a request got no response.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The instance was stopped at the request time-out.
    TimedOut,
    /// The guest trapped; the text says how, with the guest's stack.
    Trapped(String),
}

/// What a worker, its deadline, its log streams and its outbound requests share about the instance.
#[derive(Default)]
pub(crate) struct Occupancy {
    occupant: Mutex<Option<Job>>,
    /// The guest has no task left: the occupant may be shown out.
    done: AtomicBool,
    /// A request has just begun, and its worker will ask for another one by itself.
    begun: AtomicBool,
    expired: AtomicBool,
}

impl Occupancy {
    /// The request that the instance works for at present.
    pub(crate) fn scope(&self) -> Option<Arc<RequestScope>> {
        self.occupant().as_ref().map(|job| Arc::clone(&job.scope))
    }

    /// Reports that the guest has nothing left to do; `true` if that ends an occupation.
    pub(super) fn guest_is_done(&self) -> bool {
        self.occupant().is_some() && !self.done.swap(true, Relaxed)
    }

    /// Whether the worker asks for another request by itself this time: it does so once for each that it takes.
    pub(super) fn asks_again(&self) -> bool {
        self.begun.swap(false, Relaxed)
    }

    pub(super) fn expire(&self) {
        self.expired.store(true, Relaxed);
    }

    fn is_free(&self) -> bool {
        if self.done.swap(false, Relaxed) {
            self.occupant().take();
        }
        self.occupant().is_none()
    }

    pub(super) fn occupant(&self) -> MutexGuard<'_, Option<Job>> {
        self.occupant.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The policy of one worker: which requests it takes, and what its end means.
pub(crate) struct Worker {
    pub(super) occupancy: Arc<Occupancy>,
    pub(super) component: Arc<str>,
    pub(super) requests_max: usize,
    pub(super) used: AtomicBool,
    pub(super) metrics: ComponentMetrics,
}

impl WorkerState for Worker {
    type StoreData = GuestState;
    type RequestData = Job;

    fn should_accept_request(&self, _concurrent: usize, served: usize) -> ShouldAccept {
        if served >= self.requests_max {
            return ShouldAccept::Never;
        }
        if self.occupancy.is_free() {
            ShouldAccept::Yes
        } else {
            ShouldAccept::No
        }
    }

    /// The returned future never ends: with one request at a time the worker's own deadline says all there is to say.
    fn on_request_start(
        &self,
        _store: StoreContextMut<'_, GuestState>,
        job: Job,
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        if self.used.swap(true, Relaxed) {
            self.metrics.instances_reused.inc();
        }
        *self.occupancy.occupant() = Some(job);
        self.occupancy.begun.store(true, Relaxed);
        Box::pin(std::future::pending())
    }

    /// Reports a death to whoever is concerned. The job, and with it the seat, is given back after the store is gone.
    fn drop(&self, store: Store<GuestState>, result: wasmtime::Result<()>) {
        let job = self.occupancy.occupant().take();
        let Err(error) = result else { return };
        let cause = match store.data().memory.refused() {
            Some(bytes) => format!("{error:?}\nthe guest had been refused memory: {bytes} bytes exceed its limit"),
            None => format!("{error:?}"),
        };
        let expired = self.occupancy.expired.load(Relaxed);
        if expired {
            self.metrics.timeouts.inc()
        } else {
            self.metrics.traps.inc()
        };
        let Some(Job { scope, failure, seat }) = job else {
            tracing::error!(component = &*self.component, cause, "an idle instance failed");
            return;
        };
        if scope.head_sent() {
            scope.mark_truncated();
            tracing::error!(
                component = &*self.component,
                request_id = scope.id(),
                cause,
                expired,
                "the instance failed after it had answered"
            );
        } else {
            let failed = if expired {
                Failure::TimedOut
            } else {
                Failure::Trapped(cause)
            };
            if let Err(failed) = failure.send(failed) {
                let (component, request_id) = (&*self.component, scope.id());
                tracing::error!(
                    component,
                    request_id,
                    ?failed,
                    "the instance failed, and its client has gone"
                );
            }
        }
        drop(store);
        drop(seat);
    }
}
