//! What one component instance carries in its store.

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::capabilities;
use crate::memory::MemoryLimit;
use crate::metrics::LiveInstance;
use crate::outbound::Outbound;

/// The data of a `wasmtime` store: one per component instance, dropped with it.
pub(crate) struct GuestState {
    pub(crate) table: ResourceTable,
    pub(crate) capabilities: capabilities::Grants,
    pub(crate) wasi: WasiCtx,
    pub(crate) http: WasiHttpCtx,
    pub(crate) outbound: Outbound,
    pub(crate) memory: MemoryLimit,
    /// Counts this instance as alive until the store is dropped.
    pub(crate) _live: LiveInstance,
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for GuestState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.outbound,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}
