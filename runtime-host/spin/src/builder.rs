//! From a manifest on disk to a running host; everything that is wrong is refused here.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use spin_host_manifest::{App, Component, Manifest, Router, VariableValues, compose};

use crate::blueprint::Blueprint;
use crate::capabilities::Stores;
use crate::engine::TickingEngine;
use crate::error::StartError;
use crate::host::{Application, Host};
use crate::instance::Factory;
use crate::limits::Limits;
use crate::loader::Loader;
use crate::metrics::Metrics;
use crate::outbound::Client;
use crate::runner::Runner;
use crate::switchboard::Switchboard;

/// Environment variables that give values to variables of the application start so, as with Spin.
const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

/// Describes a [`Host`] before it is built.
#[derive(Debug)]
pub struct HostBuilder {
    manifest: PathBuf,
    state_dir: Option<PathBuf>,
    cache_dir: Option<PathBuf>,
    variables: BTreeMap<String, String>,
    limits: Limits,
}

impl HostBuilder {
    pub(crate) fn new(manifest: PathBuf) -> Self {
        Self {
            manifest,
            state_dir: None,
            cache_dir: None,
            variables: BTreeMap::new(),
            limits: Limits::default(),
        }
    }

    /// The folder for databases (`sqlite/<label>.db`), key-value stores (`kv/<label>.db`) and the copies of `files`
    /// that guests see (`files/<component>`). The default is `.spin` beside the manifest, as with Spin.
    pub fn state_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.state_dir = Some(dir.into());
        self
    }

    /// The folder for compiled components. Without one, every start compiles them anew.
    pub fn cache_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cache_dir = Some(dir.into());
        self
    }

    /// Values of application variables. They win over the environment (`SPIN_VARIABLE_<NAME>`), and that over the
    /// defaults of the manifest.
    pub fn variables(mut self, variables: BTreeMap<String, String>) -> Self {
        self.variables = variables;
        self
    }

    /// Limits other than the defaults.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Loads, composes, compiles and links every component that a trigger names, and opens their stores.
    pub async fn build(self) -> Result<Host, StartError> {
        let refused = |error: &dyn std::error::Error| StartError::one(chain(error));
        let app = Manifest::load(&self.manifest).map_err(|error| refused(&error))?;
        let values = self.values(&app)?;
        let engine = TickingEngine::start(self.cache_dir.as_deref())?;
        let loader = Loader::new(engine.engine())
            .map_err(|error| StartError::one(format!("the host's interfaces cannot be linked: {error:#}")))?;
        let stores = self.stores(&app)?;
        let files_dir = self.state_dir_of(&app).join("files");

        let switchboard = Arc::new(Switchboard::new(self.limits.chain_depth_max));
        let metrics = Metrics::new();
        stores.register(&mut metrics.registry());
        let limits = Arc::new(self.limits);
        let mut runners = HashMap::new();
        let mut problems = Vec::new();
        for component in app.triggered() {
            let blueprint = Blueprint::new(&app, component, &values, &stores, &files_dir, &switchboard);
            let pre = load(&app, component, &loader);
            match (blueprint, pre) {
                (Ok(blueprint), Ok(pre)) => {
                    let metrics = metrics.component(&component.id);
                    let factory = Factory {
                        engine: engine.engine().clone(),
                        pre,
                        blueprint: Arc::new(blueprint),
                        limits: Arc::clone(&limits),
                        client: Arc::new(Client::new(limits.outbound, metrics.outbound_kept.clone())),
                        metrics,
                    };
                    runners.insert(component.id.clone(), Arc::new(Runner::new(factory)));
                }
                (blueprint, pre) => problems.extend(blueprint.err().into_iter().chain(pre.err()).flatten()),
            }
        }
        StartError::check(problems)?;
        let router = Arc::new(Router::new(&app));
        switchboard.connect(Arc::clone(&router), runners.values());
        let header_bytes_max = limits.header_bytes_max;
        Ok(Host::new(Application {
            router,
            runners,
            metrics,
            header_bytes_max,
            _engine: engine,
        }))
    }

    fn values(&self, app: &App) -> Result<VariableValues, StartError> {
        let provider = |name: &str| {
            let in_environment = || std::env::var(format!("{ENVIRONMENT_PREFIX}{}", name.to_ascii_uppercase())).ok();
            self.variables.get(name).cloned().or_else(in_environment)
        };
        app.resolve_variables(&provider)
            .map_err(|error| StartError::one(error.to_string()))
    }

    fn state_dir_of(&self, app: &App) -> PathBuf {
        self.state_dir.clone().unwrap_or_else(|| app.path(".spin"))
    }

    fn stores(&self, app: &App) -> Result<Stores, StartError> {
        let labels = |of: fn(&Component) -> &Vec<String>| app.triggered().flat_map(of).map(String::as_str).collect();
        let databases = labels(|component| &component.sqlite_databases);
        let key_values = labels(|component| &component.key_value_stores);
        Stores::open(&self.state_dir_of(app), &databases, &key_values)
            .map_err(|error| StartError::one(error.to_string()))
    }
}

/// Composes, compiles and links; the problems name the component.
fn load(
    app: &App,
    component: &Component,
    loader: &Loader,
) -> Result<wasmtime_wasi_http::handler::ProxyPre<crate::state::GuestState>, Vec<String>> {
    let named = |problem: String| format!("component {}: {problem}", component.id);
    let wasm = compose(app, &component.id).map_err(|error| vec![named(chain(&error))])?;
    loader
        .load(&wasm)
        .map_err(|problems| problems.into_iter().map(named).collect())
}

/// An error with its sources, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
