//! The steps about what runs: image, container or supervisor, hooks, and whether a shell can be had.

use std::time::Duration;

use sam_agent_terminals::{Command, Terminals};
use sam_contract::agent::desired::{Isolation, Limits};
use sam_contract::ids::WorkspaceId;

use super::devcontainer::IMAGES;
use super::{Boot, Went, env};
use crate::context::{supervisor_answers, supervisor_pid};
use crate::docker::container::{FOLDER, Found, Of, RUN, Wanted};
use crate::docker::{Engine, EngineError};
use crate::place::Place;
use crate::process;
use crate::steplog::StepLog;

/// After a reboot Docker may come up later than the agent.
const ENGINE_WITHIN: Duration = Duration::from_secs(60);
/// A supervisor answers milliseconds after its container began.
const SUPERVISOR_WITHIN: Duration = Duration::from_secs(15);
/// A hook of the repository that takes longer is ended.
const HOOK_WITHIN: Duration = Duration::from_secs(20 * 60);

impl Boot<'_> {
    fn docker(&self) -> bool {
        self.progress.isolation == Some(Isolation::Docker)
    }

    /// The image: as wished, else made from the repository's devcontainer.json, else the base image.
    pub(super) async fn image(&mut self, place: &Place, log: &StepLog) -> Result<((), Went), String> {
        if !self.docker() {
            return Self::skipped(log, "plain processes need no image");
        }
        let engine = &self.ctx.engine;
        if !self.warm {
            engine.answers(ENGINE_WITHIN).await.map_err(|error| error.to_string())?;
        }
        if let Some(image) = self.progress.image.clone()
            && engine.has_image(&image).await.map_err(|error| error.to_string())?
        {
            log.line(&format!("{image} is used on"));
            return Ok(((), Went::Done));
        }
        if self.wish.image.is_none() && self.devcontainer(place, log).await? {
            return Ok(((), Went::Done));
        }
        let image = self.wish.image.clone().unwrap_or_else(|| self.ctx.base_image.clone());
        if self.warm || engine.has_image(&image).await.map_err(|error| error.to_string())? {
            log.line(&format!("{image} is here"));
        } else {
            log.line(&format!("{image} is not here: pulling it"));
            engine.pull(&image, Some(log)).await.map_err(|error| {
                format!(
                    "the image {image} is neither on the node nor can it be pulled ({error}): make it there with \
                     deploy/workspace-image/build.sh {image}, or name another image"
                )
            })?;
        }
        self.progress.image = Some(image);
        Ok(((), Went::Done))
    }

    /// The container, or the supervisor of plain processes.
    pub(super) async fn container(&mut self, place: &Place, log: &StepLog) -> Result<((), Went), String> {
        if !self.docker() {
            process::start(&self.ctx.supervisor, self.wish.id, place).await?;
            log.line("plain processes of the agent's user: not a boundary, for trusted code only");
            return Ok(((), Went::Done));
        }
        self.run_container(place, log)
            .await
            .map_err(|error| format!("the container does not run: {error}"))?;
        Ok(((), Went::Done))
    }

    async fn run_container(&mut self, place: &Place, log: &StepLog) -> Result<(), EngineError> {
        let engine = &self.ctx.engine;
        let image = self
            .progress
            .image
            .clone()
            .unwrap_or_else(|| self.ctx.base_image.clone());
        if let Some(taking) = self.taking.take()
            && !image.starts_with(IMAGES)
        {
            log.line("a container that was made in advance");
            return taking.await.map_err(|error| EngineError::Failed(error.to_string()))?;
        }
        let mut kept: Option<Found> = None;
        for found in engine.containers(Of::Slot(&place.slot())).await? {
            if kept.is_none() && found.image == image {
                kept = Some(found);
            } else {
                log.line("removing a container of another image");
                engine.remove(&found.id).await?;
            }
        }
        let id = match kept {
            Some(found) if found.running && supervisor_answers(place, Duration::from_secs(5)).await.is_some() => {
                log.line("the container runs");
                return take_over(engine.clone(), place.slot(), self.wish.id, self.wish.limits).await;
            }
            Some(found) => {
                if found.running {
                    log.line("the container's supervisor does not answer: restarting it");
                    engine.stop(&found.id).await?;
                }
                log.line("starting the container again");
                // A crash may have come between its taking and this.
                take_over(engine.clone(), place.slot(), self.wish.id, self.wish.limits).await?;
                found.id
            }
            None => {
                log.line(&engine.network().await?);
                let hostname = hostname(&self.wish.name);
                engine
                    .create(Wanted {
                        place,
                        workspace: Some((self.wish.id, self.wish.attempt)),
                        image: &image,
                        hostname: &hostname,
                        env: self.container_env(),
                        limits: self.wish.limits,
                        supervisor: &self.ctx.supervisor,
                    })
                    .await?
            }
        };
        engine.start(&id).await?;
        log.line(&format!(
            "the container {} of {image} runs",
            id.get(..12).unwrap_or(&id)
        ));
        Ok(())
    }

    fn container_env(&self) -> Vec<String> {
        let own = self.progress.env.iter().map(|(name, value)| format!("{name}={value}"));
        container_env().into_iter().chain(own).collect()
    }

    /// What the repository wants run.
    pub(super) async fn hooks(&mut self, place: &Place, log: &StepLog) -> Result<((), Went), String> {
        if self.progress.hooks.is_empty() {
            return Self::skipped(log, "there are none");
        }
        supervisor_answers(place, SUPERVISOR_WITHIN)
            .await
            .ok_or("the supervisor does not answer")?;
        let terminals = Terminals::new(place.supervisor());
        for (name, script) in self.progress.hooks.clone() {
            log.line(&format!("{name}: {script}"));
            let command = Command {
                argv: ["/bin/sh", "-c", &script].map(str::to_owned).to_vec(),
                cwd: FOLDER.to_owned(),
                env: env::workspace(self.ctx, self.wish),
                user: None,
                timeout: HOOK_WITHIN,
            };
            let finished = terminals
                .run(&command, b"", 1024 * 1024)
                .await
                .map_err(|error| format!("{name}: {error}"))?;
            log.bytes(&finished.stdout);
            log.bytes(&finished.stderr);
            if finished.status != sam_contract::terminal::ExitStatus::Code(0) {
                return Err(format!("{name} ended with {:?}; its log says more", finished.status));
            }
        }
        // Once per container: a restart does not repeat them.
        self.progress.hooks.clear();
        Ok(((), Went::Done))
    }

    /// A shell can be had.
    pub(super) async fn ready(&self, place: &Place) -> Result<((), Went), String> {
        let started = tokio::time::Instant::now();
        if supervisor_answers(place, SUPERVISOR_WITHIN).await.is_none() {
            let waited = started.elapsed().as_secs();
            return Err(format!(
                "the workspace's supervisor has not answered for {waited} s: look at the container's log, then retry"
            ));
        }
        if supervisor_pid(place).await.is_none() {
            return Err("the workspace's supervisor answered once and then ended; retry".to_owned());
        }
        Ok(((), Went::Done))
    }
}

/// A container made in advance gets what was not known when it was made. Nothing where there is none.
pub(super) async fn take_over(
    engine: Engine,
    slot: String,
    workspace: WorkspaceId,
    limits: Limits,
) -> Result<(), EngineError> {
    for found in engine.containers(Of::Slot(&slot)).await? {
        if found.workspace.is_some() {
            continue;
        }
        if limits.cpu_milli > 0 || limits.memory_bytes > 0 || limits.pids > 0 {
            engine.limit(&found.id, limits).await?;
        }
        let engine = engine.clone();
        tokio::spawn(async move {
            // Its name is for people, and nobody waits for it.
            if let Err(error) = engine.name_after(&found.id, workspace).await {
                tracing::debug!(%error, "a container kept its name");
            }
        });
    }
    Ok(())
}

/// The environment of everything in a container; the same for all.
pub(crate) fn container_env() -> Vec<String> {
    env::git(RUN)
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

/// A host name from a shown name.
fn hostname(name: &str) -> String {
    let mut host = String::new();
    for c in name.to_lowercase().chars().take(63) {
        if c.is_ascii_alphanumeric() {
            host.push(c);
        } else if !host.is_empty() && !host.ends_with('-') {
            host.push('-');
        }
    }
    let host = host.trim_end_matches('-');
    if host.is_empty() {
        "workspace".to_owned()
    } else {
        host.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::hostname;

    #[test]
    fn host_names() {
        assert_eq!(hostname("My App (2)"), "my-app-2");
        assert_eq!(hostname("日本"), "workspace");
        assert_eq!(hostname(""), "workspace");
        assert_eq!(hostname(&"x".repeat(90)).len(), 63);
    }
}
