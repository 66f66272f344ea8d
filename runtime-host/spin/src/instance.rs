//! Instances of one component: made on demand, reused, one request at a time.
//!
//! `wasmtime-wasi-http`'s `ProxyHandler` runs one task (a *worker*) per instance and hands requests to free ones. What
//! this module adds is policy. A worker is **occupied** from the start of a request until the guest has nothing left to
//! do for it: response streamed, work after the response done. While occupied it takes no other request, so a trap
//! or a hang can touch one request only.
//!
//! ```text
//!  free ──request──▶ waiting ──head──▶ streaming ──body ended──▶ after-work ──guest done──▶ free … ──128 requests──▶ dropped
//!   │ idle_timeout      │ request_timeout    │ (no deadline)          │ post_return_timeout
//!   ▼                   ▼                    ▼                        ▼
//!  dropped           dropped, 504         …                        dropped, logged
//! ```
//!
//! All deadlines are enforced from outside the guest: a busy guest is interrupted every epoch tick, the worker then
//! looks at [`Deadline`] and drops the store if time is up.

mod deadline;
mod occupancy;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use wasmtime::{Engine, Store};
use wasmtime_wasi_http::handler::{HandlerState, Instance, ProxyPre};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpView};

pub(crate) use self::deadline::Deadline;
pub(crate) use self::occupancy::{Failure, Occupancy, Worker};
use crate::blueprint::Blueprint;
use crate::limits::Limits;
use crate::memory::MemoryLimit;
use crate::metrics::ComponentMetrics;
use crate::outbound::{Client, Outbound};
use crate::scope::RequestScope;
use crate::state::GuestState;

/// One request for a worker.
pub(crate) struct Job {
    pub(crate) scope: Arc<RequestScope>,
    /// Told why, if the instance dies before the response head.
    pub(crate) failure: oneshot::Sender<Failure>,
    /// The right to occupy an instance; given back when the guest is done.
    pub(crate) seat: OwnedSemaphorePermit,
}

/// Makes the instances of one component.
pub(crate) struct Factory {
    pub(crate) engine: Engine,
    pub(crate) pre: ProxyPre<GuestState>,
    pub(crate) blueprint: Arc<Blueprint>,
    pub(crate) limits: Arc<Limits>,
    /// Connections to other servers: the component's own, shared by its instances.
    pub(crate) client: Arc<Client>,
    pub(crate) metrics: ComponentMetrics,
}

impl HandlerState for Factory {
    type StoreData = GuestState;
    type WorkerExpiration = Deadline;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<GuestState, Deadline, Worker>> {
        let occupancy = Arc::new(Occupancy::default());
        let mut store = Store::new(&self.engine, self.state(&occupancy)?);
        store.limiter(|state| &mut state.memory);
        store.epoch_deadline_async_yield_and_update(1);
        store.set_epoch_deadline(1);
        let instantiated = self.pre.instantiate_async(&mut store);
        let proxy = tokio::time::timeout(self.limits.request_timeout, instantiated).await??;
        Ok(Instance {
            store,
            proxy,
            view: GuestState::http,
            expiration: Deadline::new(Arc::clone(&occupancy), Arc::clone(&self.limits)),
            state: Worker {
                occupancy,
                component: Arc::clone(&self.blueprint.id),
                requests_max: self.limits.instance_requests_max,
                used: AtomicBool::new(false),
                metrics: self.metrics.clone(),
            },
        })
    }
}

impl Factory {
    fn state(&self, occupancy: &Arc<Occupancy>) -> wasmtime::Result<GuestState> {
        let outbound = Outbound::new(
            Arc::clone(&self.blueprint),
            Arc::clone(&self.client),
            Arc::clone(occupancy),
            self.metrics.clone(),
        );
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(self.limits.header_bytes_max);
        Ok(GuestState {
            table: wasmtime::component::ResourceTable::new(),
            capabilities: self.blueprint.grants.clone(),
            wasi: self.blueprint.wasi(occupancy)?,
            http,
            outbound,
            memory: MemoryLimit::new(self.limits.memory_bytes_max),
            _live: self.metrics.instance_made(),
        })
    }
}
