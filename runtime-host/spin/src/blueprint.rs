//! What each instance of one component is made of, worked out once at start.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use spin_host_manifest::{AllowedHosts, App, Component, VariableValues};
use wasmtime_wasi::{FsPerms, WasiCtx};

use crate::capabilities::{Grants, Stores};
use crate::files;
use crate::guest_output::{GuestOutput, Stream};
use crate::instance::Occupancy;
use crate::switchboard::Switchboard;

/// The parts of a component's instances that the manifest decides.
pub(crate) struct Blueprint {
    pub(crate) id: Arc<str>,
    pub(crate) grants: Grants,
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) switchboard: Arc<Switchboard>,
    environment: Vec<(String, String)>,
    /// The folder that the guest sees as `/`, read-only.
    files: Option<PathBuf>,
}

impl Blueprint {
    /// Works a component out; the problems are sentences that name it.
    pub(crate) fn new(
        app: &App,
        component: &Component,
        values: &VariableValues,
        stores: &Stores,
        files_dir: &Path,
        switchboard: &Arc<Switchboard>,
    ) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut refuse = |problem: String| problems.push(format!("component {}: {problem}", component.id));
        let files = files::stage(app, component, files_dir)
            .map_err(|list| list.into_iter().for_each(&mut refuse))
            .unwrap_or_default();
        let variables = component
            .variables(values)
            .map_err(|error| refuse(error.to_string()))
            .unwrap_or_default();
        let allowed_hosts = component
            .allowed_hosts(values)
            .map_err(|error| refuse(error.to_string()))
            .ok();
        let Some(allowed_hosts) = allowed_hosts.filter(|_| problems.is_empty()) else {
            return Err(problems);
        };
        Ok(Self {
            id: component.id.as_str().into(),
            grants: stores.grants(component, variables.into_iter().collect()),
            allowed_hosts,
            switchboard: Arc::clone(switchboard),
            environment: component
                .environment
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            files,
        })
    }

    /// The WASI side of a new instance: environment, mounts and log streams; no sockets, no host environment.
    pub(crate) fn wasi(&self, occupancy: &Arc<Occupancy>) -> wasmtime::Result<WasiCtx> {
        let mut wasi = WasiCtx::builder();
        wasi.envs(&self.environment)
            .stdout(GuestOutput::new(Stream::Stdout, &self.id, occupancy))
            .stderr(GuestOutput::new(Stream::Stderr, &self.id, occupancy))
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        if let Some(files) = &self.files {
            wasi.preopened_dir(files, "/", FsPerms::ReadOnly)?;
        }
        Ok(wasi.build())
    }
}
