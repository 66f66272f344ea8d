//! The ceiling to compare `spin-host` with: the same component on `wasmtime-wasi-http`'s `ProxyHandler` and nothing else.
//! No routing, limits, time-outs, metrics, logs or grants, and sixteen requests at a time in one instance, so that a trap
//! would take fifteen neighbours along. What `spin-host` costs is the distance to this.

use std::future::pending;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use anyhow::Result;
use http_body_util::BodyExt;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use wasmtime::component::{Component, GuestTaskId, Linker, ResourceTable};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store, StoreContextMut};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyHandler, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::{Error, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView, p3};

/// As upstream Spin's defaults.
const REQUESTS_PER_INSTANCE: usize = 128;
const CONCURRENT_PER_INSTANCE: usize = 16;

struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: NoClient,
}

struct NoClient;

impl WasiHttpHooks for NoClient {}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.hooks,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

struct Never;

impl WorkerExpiration for Never {
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>, _: WorkerStatus, _: Instant) -> Poll<()> {
        Poll::Pending
    }
}

struct Policy;

impl WorkerState for Policy {
    type StoreData = State;
    type RequestData = ();

    fn should_accept_request(&self, concurrent: usize, served: usize) -> ShouldAccept {
        if served >= REQUESTS_PER_INSTANCE {
            ShouldAccept::Never
        } else if concurrent >= CONCURRENT_PER_INSTANCE {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, State>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        Box::pin(pending())
    }

    fn drop(&self, _: Store<State>, _: wasmtime::Result<()>) {}
}

struct Factory {
    engine: Engine,
    pre: p3::bindings::ServicePre<State>,
}

impl HandlerState for Factory {
    type StoreData = State;
    type WorkerExpiration = Never;
    type WorkerState = Policy;

    async fn instantiate(&self) -> wasmtime::Result<Instance<State, Never, Policy>> {
        let state = State {
            table: ResourceTable::new(),
            wasi: WasiCtx::builder().build(),
            http: WasiHttpCtx::new(),
            hooks: NoClient,
        };
        let mut store = Store::new(&self.engine, state);
        let proxy = ProxyPre::P3(self.pre.clone()).instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            proxy,
            view: State::http,
            expiration: Never,
            state: Policy,
        })
    }
}

fn handler(wasm: &Path) -> wasmtime::Result<ProxyHandler<Factory>> {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(1_000)
        .total_core_instances(8_000)
        .total_memories(2_000)
        .total_tables(8_000)
        .total_stacks(2_000);
    let mut config = Config::new();
    config
        .wasm_component_model_async(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config)?;
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    p3::add_to_linker(&mut linker)?;
    let component = Component::from_file(&engine, wasm)?;
    let pre = p3::bindings::ServicePre::new(linker.instantiate_pre(&component)?)?;
    Ok(ProxyHandler::new(Factory { engine, pre }))
}

/// Serves the component on a free port of the loopback interface until killed; prints `ready: http://…`.
pub(crate) async fn serve(wasm: &Path) -> Result<()> {
    let handler = handler(wasm).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("ready: http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let handler = handler.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let handler = handler.clone();
                async move {
                    let mut request = request.map(|body| body.map_err(Error::from).boxed_unsync());
                    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
                    *request.uri_mut() = format!("http://localhost{path}")
                        .parse()
                        .map_err(wasmtime::Error::new)?;
                    handler.handle((), request).await
                }
            });
            // A client that leaves ends the load; its connection's error says no more.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
