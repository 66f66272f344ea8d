//! What each instance of one component is made of, worked out once at start.

use std::path::PathBuf;
use std::sync::Arc;

use spin_host_manifest::{AllowedHosts, App, Component, FileMount, VariableValues};
use wasmtime_wasi::{FsPerms, WasiCtx};

use crate::capabilities::{Grants, Stores};
use crate::guest_output::{GuestOutput, Stream};
use crate::instance::Occupancy;
use crate::limits::OutboundLimits;
use crate::switchboard::Switchboard;

/// The parts of a component's instances that the manifest decides.
pub(crate) struct Blueprint {
    pub(crate) id: Arc<str>,
    pub(crate) grants: Grants,
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) outbound: OutboundLimits,
    pub(crate) switchboard: Arc<Switchboard>,
    environment: Vec<(String, String)>,
    mounts: Vec<Mount>,
}

/// A folder of the host that the guest sees, read-only.
struct Mount {
    source: PathBuf,
    destination: String,
}

impl Blueprint {
    /// Works a component out; the problems are sentences that name it.
    pub(crate) fn new(
        app: &App,
        component: &Component,
        values: &VariableValues,
        stores: &Stores,
        outbound: OutboundLimits,
        switchboard: &Arc<Switchboard>,
    ) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut refuse = |problem: String| problems.push(format!("component {}: {problem}", component.id));
        let mounts = mounts(app, component)
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
            outbound,
            switchboard: Arc::clone(switchboard),
            environment: component
                .environment
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            mounts,
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
        for mount in &self.mounts {
            wasi.preopened_dir(&mount.source, &mount.destination, FsPerms::ReadOnly)?;
        }
        Ok(wasi.build())
    }
}

fn mounts(app: &App, component: &Component) -> Result<Vec<Mount>, Vec<String>> {
    let mut problems = Vec::new();
    let mut mounts = Vec::new();
    for file in &component.files {
        match file {
            FileMount::Placement { source, destination } if app.path(source).is_dir() => {
                mounts.push(Mount {
                    source: app.path(source),
                    destination: destination.clone(),
                });
            }
            FileMount::Placement { source, .. } => {
                problems.push(format!(
                    "files: {} is not a folder; only folders can be mounted",
                    app.path(source).display()
                ));
            }
            FileMount::Pattern(pattern) => {
                problems.push(format!(
                    "files: the pattern {pattern:?} is not supported; mount its folder by source and destination"
                ));
            }
        }
    }
    if !component.exclude_files.is_empty() {
        problems.push("exclude_files is not supported; mount folders that hold only what the guest may see".to_owned());
    }
    if problems.is_empty() { Ok(mounts) } else { Err(problems) }
}
