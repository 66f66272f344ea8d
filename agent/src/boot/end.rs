//! The ends of a workspace: stopping what runs, and removing everything.

use std::time::Duration;

use sam_agent_terminals::Terminals;
use sam_contract::ids::WorkspaceId;

use crate::boot::devcontainer::IMAGES;
use crate::context::{Context, supervisor_pid};
use crate::docker::container::{Found, Of};
use crate::place::Place;

/// Processes get so long to end by themselves.
const SHUTDOWN_WITHIN: Duration = Duration::from_secs(8);

/// Ends what runs in the workspace; its files and its container stay.
pub(crate) async fn stop(ctx: &Context, id: WorkspaceId, place: Option<&Place>) -> Result<(), String> {
    for container in containers(ctx, id, place).await? {
        ctx.engine
            .stop(&container.id)
            .await
            .map_err(|error| error.to_string())?;
    }
    match place {
        Some(place) => stop_supervisor(place).await,
        None => Ok(()),
    }
}

/// Ends plain processes: the supervisor ends what is in it, then itself. One that does not is killed.
async fn stop_supervisor(place: &Place) -> Result<(), String> {
    let Some(pid) = supervisor_pid(place).await else {
        return Ok(());
    };
    let terminals = Terminals::new(place.supervisor());
    let _ = tokio::time::timeout(SHUTDOWN_WITHIN, terminals.shutdown()).await;
    let deadline = tokio::time::Instant::now() + SHUTDOWN_WITHIN;
    while supervisor_pid(place).await.is_some() {
        if tokio::time::Instant::now() >= deadline {
            if let Some(pid) = rustix::process::Pid::from_raw(pid) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            return match supervisor_pid(place).await {
                None => Ok(()),
                Some(pid) => Err(format!("the supervisor (process {pid}) does not end")),
            };
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Removes the workspace's containers.
pub(crate) async fn remove_containers(ctx: &Context, id: WorkspaceId, place: Option<&Place>) -> Result<(), String> {
    for container in containers(ctx, id, place).await? {
        ctx.engine
            .remove(&container.id)
            .await
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Removes everything: processes, containers, volumes, files, notes. Then looks whether it is gone; only `Ok` is a deletion.
pub(crate) async fn delete(ctx: &Context, id: WorkspaceId) -> Result<(), String> {
    let place = ctx.places.find(id);
    if let Some(place) = &place {
        stop_supervisor_or_container(ctx, id, place).await?;
    }
    remove_containers(ctx, id, place.as_ref()).await?;
    if ctx.engine.exists() {
        ctx.engine.remove_volumes(id).await.map_err(|error| error.to_string())?;
    }
    if let Some(place) = &place {
        remove_images(ctx, place).await?;
    }
    ctx.credentials.close(id);
    let places = ctx.places.clone();
    tokio::task::spawn_blocking(move || places.remove(id))
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| format!("its files cannot be removed: {error}"))?;
    let left = containers(ctx, id, place.as_ref()).await?;
    if !left.is_empty() || ctx.places.find(id).is_some() || place.is_some_and(|place| place.dir().exists()) {
        return Err("something of it is still there".to_owned());
    }
    ctx.store.write(None, Some((id, None)));
    ctx.store.flush().await.map_err(|error| error.to_string())
}

/// Images that were built for this workspace alone.
async fn remove_images(ctx: &Context, place: &Place) -> Result<(), String> {
    if !ctx.engine.exists() {
        return Ok(());
    }
    ctx.engine
        .remove_images(IMAGES, &place.slot())
        .await
        .map_err(|error| error.to_string())
}

/// A container is killed together with what is in it; plain processes are asked first.
async fn stop_supervisor_or_container(ctx: &Context, id: WorkspaceId, place: &Place) -> Result<(), String> {
    if containers(ctx, id, Some(place)).await?.is_empty() {
        return stop_supervisor(place).await;
    }
    Ok(())
}

/// The workspace's containers: those with its label, and those with its slot's. None where there is no Docker.
pub(crate) async fn containers(ctx: &Context, id: WorkspaceId, place: Option<&Place>) -> Result<Vec<Found>, String> {
    if !ctx.engine.exists() {
        return Ok(Vec::new());
    }
    let failed = |error: crate::docker::EngineError| error.to_string();
    let mut all = ctx.engine.containers(Of::Workspace(id)).await.map_err(failed)?;
    if let Some(place) = place {
        for found in ctx.engine.containers(Of::Slot(&place.slot())).await.map_err(failed)? {
            if all.iter().all(|known| known.id != found.id) {
                all.push(found);
            }
        }
    }
    Ok(all)
}
