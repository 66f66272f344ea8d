//! Containers of workspaces.
//!
//! What keeps a workspace in: its own namespaces, no privileged mode, no new privileges, a short list of capabilities,
//! limits of cpu, memory and processes, a network on which containers do not reach each other. Its root is the root of the
//! node's kernel, as far as those capabilities go; files it makes belong to the agent's user, so that both sides can write.

use std::collections::HashMap;
use std::path::Path;

use bollard::models::{
    ContainerCreateBody, ContainerSummary, ContainerSummaryStateEnum, ContainerUpdateBody, HostConfig,
    HostConfigLogConfig, Mount, MountType, RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, ListContainersOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptionsBuilder, RenameContainerOptionsBuilder,
    StopContainerOptionsBuilder,
};
use sam_contract::agent::desired::Limits;
use sam_contract::ids::WorkspaceId;

use super::{Engine, EngineError, not_found};
use crate::place::Place;

/// Where the working copy is inside.
pub(crate) const FOLDER: &str = "/workspace";
/// Where the sockets are inside.
pub(crate) const RUN: &str = "/.sam/run";
/// Where the supervisor is inside.
const SUPERVISOR: &str = "/.sam/supervisor";
/// What root inside may do: own files, change users, serve low ports. No raw sockets, no devices, no administration.
const CAPABILITIES: [&str; 8] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "SETGID",
    "SETUID",
];
/// How long processes get to end by themselves, in seconds.
const STOP_S: i32 = 6;

/// A container to make.
pub(crate) struct Wanted<'a> {
    /// Whose folders are mounted.
    pub place: &'a Place,
    /// For whom; none for one made in advance.
    pub workspace: Option<(WorkspaceId, i64)>,
    /// Image.
    pub image: &'a str,
    /// Host name inside.
    pub hostname: &'a str,
    /// Environment of everything inside.
    pub env: Vec<String>,
    /// What it may use.
    pub limits: Limits,
    /// The supervisor's binary on the node.
    pub supervisor: &'a Path,
}

/// A container that was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Docker's id.
    pub id: String,
    /// Its image, as named when it was made.
    pub image: String,
    /// Whether it runs.
    pub running: bool,
    /// The slot whose folders it has.
    pub slot: Option<String>,
    /// The workspace that it was made for.
    pub workspace: Option<WorkspaceId>,
}

/// Which containers to look for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of<'a> {
    /// All of this node.
    Node,
    /// With that slot's folders.
    Slot(&'a str),
    /// Made for that workspace.
    Workspace(WorkspaceId),
}

impl Engine {
    /// Looks for containers, running or not.
    pub(crate) async fn containers(&self, of: Of<'_>) -> Result<Vec<Found>, EngineError> {
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&self.filter(of))
            .build();
        let containers = self.client().await?.list_containers(Some(options)).await?;
        Ok(containers.into_iter().filter_map(found).collect())
    }

    /// Makes a container, not yet started. One of the same name is in the way and is an earlier try's: it is removed.
    pub(crate) async fn create(&self, wanted: Wanted<'_>) -> Result<String, EngineError> {
        let client = self.client().await?;
        let name = match wanted.workspace {
            Some((id, _)) => container_name(id),
            None => format!("sam-warm-{}", wanted.place.slot()),
        };
        self.remove(&name).await?;
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let created = client.create_container(Some(options), self.body(wanted)).await?;
        Ok(created.id)
    }

    fn body(&self, wanted: Wanted<'_>) -> ContainerCreateBody {
        let mut labels = HashMap::from([
            ("sam.node".to_owned(), self.node.to_string()),
            ("sam.slot".to_owned(), wanted.place.slot()),
            ("sam.image".to_owned(), wanted.image.to_owned()),
        ]);
        if let Some((id, attempt)) = wanted.workspace {
            labels.insert("sam.workspace".to_owned(), id.to_string());
            labels.insert("sam.attempt".to_owned(), attempt.to_string());
        }
        let owner = rustix::process::geteuid();
        let user = (!owner.is_root()).then(|| format!("{}:{}", owner.as_raw(), rustix::process::getegid().as_raw()));
        let serve = [SUPERVISOR, "serve", "--socket", "/.sam/run/supervisor.sock"];
        ContainerCreateBody {
            hostname: Some(wanted.hostname.to_owned()),
            user,
            env: Some(wanted.env),
            image: Some(wanted.image.to_owned()),
            working_dir: Some(FOLDER.to_owned()),
            entrypoint: Some(serve.map(str::to_owned).to_vec()),
            cmd: Some(Vec::new()),
            labels: Some(labels),
            host_config: Some(self.host_config(wanted.place, wanted.supervisor, wanted.limits)),
            ..ContainerCreateBody::default()
        }
    }

    fn host_config(&self, place: &Place, supervisor: &Path, limits: Limits) -> HostConfig {
        let limits = update(limits);
        HostConfig {
            mounts: Some(vec![
                bind(&place.repo(), FOLDER, false),
                bind(&place.run(), RUN, false),
                bind(supervisor, SUPERVISOR, true),
            ]),
            network_mode: Some(self.network_name()),
            restart_policy: Some(RestartPolicy {
                name: Some(RestartPolicyNameEnum::NO),
                maximum_retry_count: None,
            }),
            privileged: Some(false),
            cap_drop: Some(vec!["ALL".to_owned()]),
            cap_add: Some(CAPABILITIES.map(str::to_owned).to_vec()),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            nano_cpus: limits.nano_cpus,
            memory: limits.memory,
            memory_swap: limits.memory_swap,
            pids_limit: limits.pids_limit,
            // What the supervisor prints is a few lines; a container must not fill the disk by it.
            log_config: Some(HostConfigLogConfig {
                typ: Some("json-file".to_owned()),
                config: Some(HashMap::from([("max-size".to_owned(), "1m".to_owned())])),
            }),
            ..HostConfig::default()
        }
    }

    /// Starts it; one that runs already is left.
    pub(crate) async fn start(&self, id: &str) -> Result<(), EngineError> {
        Ok(self.client().await?.start_container(id, None).await?)
    }

    /// Changes what a container may use while it runs.
    pub(crate) async fn limit(&self, id: &str, limits: Limits) -> Result<(), EngineError> {
        Ok(self.client().await?.update_container(id, update(limits)).await?)
    }

    /// Gives a container made in advance the name of its workspace.
    pub(crate) async fn name_after(&self, id: &str, workspace: WorkspaceId) -> Result<(), EngineError> {
        let options = RenameContainerOptionsBuilder::default()
            .name(&container_name(workspace))
            .build();
        Ok(self.client().await?.rename_container(id, options).await?)
    }

    /// Stops it; an absent one is as good.
    pub(crate) async fn stop(&self, id: &str) -> Result<(), EngineError> {
        let options = StopContainerOptionsBuilder::default().t(STOP_S).build();
        match self.client().await?.stop_container(id, Some(options)).await {
            Err(error) if !not_found(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Removes it with its unnamed volumes; an absent one is as good.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match self.client().await?.remove_container(id, Some(options)).await {
            Err(error) if !not_found(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Removes volumes that carry the workspace's label.
    pub(crate) async fn remove_volumes(&self, workspace: WorkspaceId) -> Result<(), EngineError> {
        let client = self.client().await?;
        let options = ListVolumesOptionsBuilder::default()
            .filters(&self.filter(Of::Workspace(workspace)))
            .build();
        for volume in client.list_volumes(Some(options)).await?.volumes.unwrap_or_default() {
            let options = RemoveVolumeOptionsBuilder::default().force(true).build();
            match client.remove_volume(&volume.name, Some(options)).await {
                Err(error) if !not_found(&error) => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    fn filter(&self, of: Of<'_>) -> HashMap<String, Vec<String>> {
        let mut labels = vec![format!("sam.node={}", self.node)];
        match of {
            Of::Node => {}
            Of::Slot(slot) => labels.push(format!("sam.slot={slot}")),
            Of::Workspace(id) => labels.push(format!("sam.workspace={id}")),
        }
        HashMap::from([("label".to_owned(), labels)])
    }
}

fn container_name(id: WorkspaceId) -> String {
    format!("sam-{id}")
}

fn bind(source: &Path, target: &str, read_only: bool) -> Mount {
    Mount {
        target: Some(target.to_owned()),
        source: Some(source.to_string_lossy().into_owned()),
        typ: Some(MountType::BIND),
        read_only: Some(read_only),
        ..Mount::default()
    }
}

fn update(limits: Limits) -> ContainerUpdateBody {
    let memory = i64::try_from(limits.memory_bytes).unwrap_or(i64::MAX);
    ContainerUpdateBody {
        nano_cpus: (limits.cpu_milli > 0).then(|| i64::from(limits.cpu_milli) * 1_000_000),
        memory: (memory > 0).then_some(memory),
        // Memory and swap together: no swap beyond the limit.
        memory_swap: (memory > 0).then_some(memory),
        pids_limit: (limits.pids > 0).then_some(i64::from(limits.pids)),
        ..ContainerUpdateBody::default()
    }
}

fn found(summary: ContainerSummary) -> Option<Found> {
    let labels = summary.labels.unwrap_or_default();
    Some(Found {
        id: summary.id?,
        // Docker itself names only the digest once the tag has moved on to a newer image.
        image: labels.get("sam.image").cloned().or(summary.image).unwrap_or_default(),
        running: summary.state == Some(ContainerSummaryStateEnum::RUNNING),
        slot: labels.get("sam.slot").cloned(),
        workspace: labels.get("sam.workspace").and_then(|id| id.parse().ok()),
    })
}
