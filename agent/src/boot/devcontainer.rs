//! A repository's devcontainer.json: the devcontainer CLI builds its image, and says what is to be run in it. The container
//! itself is ours like any other, so that it has the supervisor, our limits and no more rights than the rest.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use super::Boot;
use crate::git::Group;
use crate::place::Place;
use crate::steplog::StepLog;

/// Image builds install whole toolchains.
const BUILD_WITHIN: Duration = Duration::from_secs(30 * 60);
/// Name of built images; the tag is slot and attempt.
pub(crate) const IMAGES: &str = "sam-devcontainer";

impl Boot<'_> {
    /// Builds the image that the repository describes. False when it describes none, or it cannot be built: then
    /// `recovery` says why, and the base image is used.
    pub(super) async fn devcontainer(&mut self, place: &Place, log: &StepLog) -> Result<bool, String> {
        let repo = cap_std::fs::Dir::open_ambient_dir(place.repo(), cap_std::ambient_authority())
            .map_err(|e| e.to_string())?;
        let known = [".devcontainer/devcontainer.json", ".devcontainer.json"];
        let Some(config) = known
            .into_iter()
            .find(|path| repo.metadata(path).is_ok_and(|found| found.is_file()))
        else {
            return Ok(false);
        };
        log.line(&format!("{config} describes the container"));
        let image = format!("{IMAGES}:{}-{}", place.slot(), self.wish.attempt);
        match build(place, &image, log).await {
            Ok(configuration) => {
                self.progress.hooks = hooks(&configuration);
                self.progress.env = environment(&configuration);
                self.progress.recovery = None;
                self.progress.image = Some(image);
                Ok(true)
            }
            Err(why) => {
                log.line(&why);
                log.line(&format!("recovery: {} is used instead", self.ctx.base_image));
                self.progress.recovery = Some(why);
                Ok(false)
            }
        }
    }
}

async fn build(place: &Place, image: &str, log: &StepLog) -> Result<Value, String> {
    let repo = place.repo();
    let mut build = cli();
    build
        .arg("build")
        .arg("--workspace-folder")
        .arg(&repo)
        .args(["--image-name", image]);
    run(&mut build, log).await?;
    let mut read = cli();
    read.arg("read-configuration")
        .arg("--workspace-folder")
        .arg(&repo)
        .arg("--include-merged-configuration");
    let output = run(&mut read, log).await?;
    let line = output
        .lines()
        .rev()
        .find(|line| line.starts_with('{'))
        .unwrap_or_default();
    let mut configuration: Value = serde_json::from_str(line)
        .map_err(|_| "the devcontainer CLI's answer about the configuration cannot be read".to_owned())?;
    let merged = configuration.get_mut("mergedConfiguration");
    Ok(merged.map(Value::take).unwrap_or_default())
}

fn cli() -> Command {
    let mut cli = Command::new("devcontainer");
    cli.stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    cli
}

/// Runs the CLI, with what it says in the log; the answer is its standard output.
async fn run(command: &mut Command, log: &StepLog) -> Result<String, String> {
    let mut group = Group::spawn(command).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            "the node has no devcontainer CLI: install it there with `npm install -g @devcontainers/cli`, then rebuild"
                .to_owned()
        }
        _ => format!("the devcontainer CLI cannot be run: {error}"),
    })?;
    let (stdout, stderr) = (group.child.stdout.take(), group.child.stderr.take());
    let work = async {
        let (output, ()) = tokio::join!(lines(stdout, None), async {
            lines(stderr, Some(log)).await;
        });
        group.wait().await.map(|status| (status, output))
    };
    let (status, output) = timeout(BUILD_WITHIN, work)
        .await
        .map_err(|_| {
            format!(
                "the devcontainer's build took more than {} minutes",
                BUILD_WITHIN.as_secs() / 60
            )
        })?
        .map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(output);
    }
    let answer = output
        .lines()
        .rev()
        .find_map(|line| serde_json::from_str::<Value>(line).ok())
        .unwrap_or_default();
    let said = |key| answer.get(key).and_then(Value::as_str);
    let why = said("description")
        .or_else(|| said("message"))
        .unwrap_or("its log says more");
    Err(format!("the devcontainer's image cannot be built: {why}"))
}

async fn lines(from: Option<impl AsyncRead + Unpin>, log: Option<&StepLog>) -> String {
    let mut kept = String::new();
    let Some(from) = from else { return kept };
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match log {
            Some(log) => log.line(&line),
            None if kept.len() < 1024 * 1024 => {
                kept.push_str(&line);
                kept.push('\n');
            }
            None => {}
        }
    }
    kept
}

/// Commands to run once after the container was made, in the specification's order. A command is a text for the shell, a
/// list of arguments, or an object of several.
fn hooks(configuration: &Value) -> Vec<(String, String)> {
    let mut hooks = Vec::new();
    for (key, name) in [
        ("onCreateCommands", "onCreateCommand"),
        ("updateContentCommands", "updateContentCommand"),
        ("postCreateCommands", "postCreateCommand"),
        ("postStartCommands", "postStartCommand"),
    ] {
        for command in configuration.get(key).and_then(Value::as_array).into_iter().flatten() {
            let parts: Vec<&Value> = match command {
                Value::Object(parts) => parts.values().collect(),
                one => vec![one],
            };
            hooks.extend(
                parts
                    .into_iter()
                    .filter_map(script)
                    .map(|script| (name.to_owned(), script)),
            );
        }
    }
    hooks
}

fn script(command: &Value) -> Option<String> {
    if let Some(text) = command.as_str() {
        return (!text.trim().is_empty()).then(|| text.to_owned());
    }
    let words = command.as_array()?.iter().filter_map(Value::as_str);
    let quoted: Vec<_> = words.map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
    (!quoted.is_empty()).then(|| quoted.join(" "))
}

fn environment(configuration: &Value) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for key in ["containerEnv", "remoteEnv"] {
        for (name, value) in configuration.get(key).and_then(Value::as_object).into_iter().flatten() {
            // Values that refer to the container's own variables would need a shell in it.
            if let Some(value) = value.as_str()
                && !value.contains("${")
            {
                all.push((name.clone(), value.to_owned()));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn commands_in_all_their_forms() {
        let configuration = json!({
            "onCreateCommands": ["make deps"],
            "postCreateCommands": [["echo", "it's"], {"a": "one", "b": ["two", "2"]}, ""],
            "containerEnv": {"A": "1", "PATH": "${containerEnv:PATH}:/x"},
        });
        let scripts: Vec<_> = hooks(&configuration).into_iter().map(|(_, script)| script).collect();
        assert_eq!(scripts, ["make deps", "'echo' 'it'\\''s'", "one", "'two' '2'"]);
        assert_eq!(environment(&configuration), [("A".to_owned(), "1".to_owned())]);
    }
}
