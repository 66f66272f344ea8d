//! The `wasmtime` engine: allocation, compilation cache, and the clock that interrupts busy guests.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use wasmtime::{Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::error::StartError;

/// How often a busy guest lets other tasks of its thread run.
///
/// Ten milliseconds bound the delay that a spinning guest can add to its neighbours, and cost nothing measurable.
const EPOCH_TICK: Duration = Duration::from_millis(10);

/// Live component instances of one engine that the pool has room for.
///
/// Each slot only reserves address space (4 GiB, of 128 TiB), not memory.
const POOL_INSTANCES: u32 = 1_000;

/// Core instances, memories and tables that one component instance may need in the pool: a composed component has
/// several, adapters included.
const POOL_PARTS_PER_INSTANCE: u32 = 8;

/// Bytes of a used memory slot that are kept and zeroed instead of being returned to the system: cheaper than faults.
const POOL_RESIDENT_BYTES: usize = 256 << 10;

/// An engine and the thread that advances its epoch; dropping it stops the thread.
pub(crate) struct TickingEngine {
    engine: Engine,
    /// The ticker ends when this is dropped.
    _stop: mpsc::Sender<()>,
}

impl TickingEngine {
    /// Makes the engine; compiled code is cached in `cache_dir`, keyed by content and engine version.
    pub(crate) fn start(cache_dir: Option<&Path>) -> Result<Self, StartError> {
        let engine = pooling_or_on_demand(cache_dir)?;
        let (stop, stopped) = mpsc::channel::<()>();
        let ticking = engine.weak();
        std::thread::Builder::new()
            .name("epoch".into())
            .spawn(move || {
                while let Err(mpsc::RecvTimeoutError::Timeout) = stopped.recv_timeout(EPOCH_TICK) {
                    match ticking.upgrade() {
                        Some(engine) => engine.increment_epoch(),
                        None => break,
                    }
                }
            })
            .map_err(|error| StartError::one(format!("cannot start the epoch thread: {error}")))?;
        Ok(Self { engine, _stop: stop })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }
}

fn pooling_or_on_demand(cache_dir: Option<&Path>) -> Result<Engine, StartError> {
    let mut config = config(cache_dir)?;
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    match Engine::new(&config) {
        Ok(engine) => Ok(engine),
        Err(error) => {
            tracing::warn!(
                cause = format!("{error:#}"),
                "the instance pool was refused, probably for want of address space (see `ulimit -v`); instances are allocated one by one, which is slower"
            );
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            Engine::new(&config).map_err(|error| StartError::one(format!("the wasm engine does not start: {error:#}")))
        }
    }
}

fn config(cache_dir: Option<&Path>) -> Result<Config, StartError> {
    let mut config = Config::new();
    config
        .wasm_component_model_async(true)
        .epoch_interruption(true)
        .parallel_compilation(true);
    if let Some(dir) = cache_dir {
        let refused = |error: &dyn std::fmt::Display| {
            StartError::one(format!(
                "the cache of compiled components in {} cannot be used: {error:#}",
                dir.display()
            ))
        };
        let mut cache = CacheConfig::new();
        cache.with_directory(std::path::absolute(dir).map_err(|error| refused(&error))?);
        config.cache(Some(Cache::new(cache).map_err(|error| refused(&error))?));
    }
    Ok(config)
}

fn pool() -> PoolingAllocationConfig {
    let parts = POOL_INSTANCES * POOL_PARTS_PER_INSTANCE;
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(POOL_INSTANCES)
        .total_core_instances(parts)
        .total_tables(parts)
        .total_memories(POOL_INSTANCES * 2)
        .total_stacks(POOL_INSTANCES * 2)
        .linear_memory_keep_resident(POOL_RESIDENT_BYTES)
        .table_keep_resident(POOL_RESIDENT_BYTES);
    pool
}
