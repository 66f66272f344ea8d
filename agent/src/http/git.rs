//! Git: the state of a working copy, and what a remote has.
//!
//! A working copy's own configuration can name commands that git runs, so git looks at it inside the workspace, as the
//! workspace, and never as the agent.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use sam_agent_domain::paths::inside;
use sam_agent_domain::status::parse;
use sam_agent_terminals::{Command, Finished, TerminalError};
use sam_contract::agent::api::{DiffQuery, GitFile, GitRemote, GitStatus, RemoteQuery};
use sam_contract::agent::desired::Isolation;
use sam_contract::error::ErrorCode;
use sam_contract::ids::WorkspaceId;
use sam_contract::terminal::ExitStatus;

use super::Api;
use super::error::{Answer, ApiError};
use crate::docker::container::FOLDER;

/// Someone waits for it.
const PATIENCE: Duration = Duration::from_secs(20);
/// A longer answer is cut.
const OUTPUT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// So many changed files are shown.
const FILES_MAX: usize = 2000;

pub(super) async fn status(State(api): State<Api>, Path(id): Path<WorkspaceId>) -> Answer<Json<GitStatus>> {
    let status = run(&api, id, &["status", "--porcelain=v2", "--branch", "-z"]).await?;
    if status.status == ExitStatus::Code(128) && contains(&status.stderr, "not a git repository") {
        return Ok(Json(GitStatus::default()));
    }
    let status = parse(&succeeded(&status)?, FILES_MAX);
    let subject = match &status.commit {
        Some(_) => Some(
            succeeded(&run(&api, id, &["log", "-1", "--format=%s"]).await?)?
                .trim()
                .to_owned(),
        ),
        None => None,
    };
    let files = status.files.into_iter().map(|file| GitFile {
        path: file.path,
        from: file.from,
        staged: file.staged.to_string(),
        unstaged: file.unstaged.to_string(),
    });
    Ok(Json(GitStatus {
        is_repository: true,
        branch: status.branch,
        commit: status.commit,
        subject,
        upstream: status.upstream,
        ahead: status.ahead,
        behind: status.behind,
        files: files.collect(),
        truncated: status.truncated,
    }))
}

pub(super) async fn diff(
    State(api): State<Api>,
    Path(id): Path<WorkspaceId>,
    Query(query): Query<DiffQuery>,
) -> Answer<Response> {
    let path = query.path.as_deref().map(inside).transpose()?;
    let mut arguments = vec!["diff", "--no-color", "--no-ext-diff"];
    if query.staged {
        arguments.push("--cached");
    }
    if let Some(path) = &path {
        arguments.extend(["--", path]);
    }
    let mut diff = succeeded(&run(&api, id, &arguments).await?)?;
    if let Some(path) = path.as_deref().filter(|_| diff.is_empty() && !query.staged) {
        // A file that git does not know yet is new from its first line on.
        let unknown = run(&api, id, &["ls-files", "--others", "--exclude-standard", "--", path]).await?;
        if !unknown.stdout.is_empty() {
            let whole = run(
                &api,
                id,
                &[
                    "diff",
                    "--no-color",
                    "--no-ext-diff",
                    "--no-index",
                    "--",
                    "/dev/null",
                    path,
                ],
            )
            .await?;
            diff = String::from_utf8_lossy(&whole.stdout).into_owned();
        }
    }
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], diff).into_response())
}

pub(super) async fn remote(State(api): State<Api>, Query(query): Query<RemoteQuery>) -> Answer<Json<GitRemote>> {
    let remote = crate::git::remote::remote(&api.ctx.state, &query.url).await;
    remote
        .map(Json)
        .map_err(|why| ApiError::new(ErrorCode::BadRequest, why))
}

async fn run(api: &Api, id: WorkspaceId, arguments: &[&str]) -> Answer<Finished> {
    let inside = api.inside(id)?;
    let cwd = match inside.isolation {
        Isolation::Docker => FOLDER.to_owned(),
        Isolation::Process => inside.place.repo().to_string_lossy().into_owned(),
    };
    let argv = ["git", "--no-pager"]
        .iter()
        .chain(arguments)
        .map(|word| (*word).to_owned());
    let command = Command {
        argv: argv.collect(),
        cwd,
        env: [
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("LC_ALL", "C.UTF-8"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        user: None,
        timeout: PATIENCE,
    };
    let finished = inside.terminals.run(&command, b"", OUTPUT_BYTES_MAX).await;
    finished.map_err(|error| match error {
        TerminalError::Start(why) => ApiError::new(
            ErrorCode::NotConfigured,
            format!("git cannot be run in the workspace: {why}"),
        ),
        other => other.into(),
    })
}

fn succeeded(finished: &Finished) -> Answer<String> {
    if finished.status == ExitStatus::Code(0) {
        return Ok(String::from_utf8_lossy(&finished.stdout).into_owned());
    }
    let why = String::from_utf8_lossy(&finished.stderr);
    let why = why.lines().last().unwrap_or("git says no more");
    Err(ApiError::new(ErrorCode::BadRequest, format!("git: {why}")))
}

fn contains(text: &[u8], part: &str) -> bool {
    String::from_utf8_lossy(text).contains(part)
}
