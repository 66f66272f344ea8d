//! Terminals of a workspace.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sam_agent_domain::paths::relative;
use sam_agent_terminals::{Access, Spec, State as TerminalState, Terminal};
use sam_contract::agent::api;
use sam_contract::agent::desired::Isolation;
use sam_contract::error::ErrorCode;
use sam_contract::ids::{TerminalId, WorkspaceId};
use sam_contract::terminal::{ExitStatus, Size};
use serde::Deserialize;

use super::Api;
use super::error::{Answer, ApiError};
use crate::boot::env;
use crate::docker::container::FOLDER;

/// The best shell that is there, as a login shell.
const SHELL: &str = "for shell in \"${SHELL:-}\" bash sh; do \
    command -v \"$shell\" >/dev/null 2>&1 && exec \"$shell\" -l; done";

pub(super) async fn list(State(api): State<Api>, Path(id): Path<WorkspaceId>) -> Answer<Json<api::Terminals>> {
    let terminals = api.inside(id)?.terminals.list().await?;
    let items = terminals.into_iter().map(|terminal| shown(&api, terminal)).collect();
    Ok(Json(api::Terminals { items }))
}

pub(super) async fn create(
    State(api): State<Api>,
    Path(id): Path<WorkspaceId>,
    new: Option<Json<api::NewTerminal>>,
) -> Answer<(StatusCode, Json<api::Terminal>)> {
    let Json(new) = new.unwrap_or_default();
    let workspace = api.workspace(id)?;
    let inside = api.inside(id)?;
    let wish = workspace
        .wanted()
        .ok_or_else(|| ApiError::new(ErrorCode::NotReady, "nobody wants this workspace"))?;
    let folder = match inside.isolation {
        Isolation::Docker => FOLDER.to_owned(),
        Isolation::Process => inside.place.repo().to_string_lossy().into_owned(),
    };
    let below = relative(new.cwd.as_deref().unwrap_or_default())?;
    let name = match new.name.filter(|name| !name.trim().is_empty()) {
        Some(name) => name,
        None => format!("Terminal {}", inside.terminals.list().await?.len() + 1),
    };
    let spec = Spec {
        id: api.ctx.clock.id(),
        name,
        argv: ["/bin/sh", "-c", SHELL].map(str::to_owned).to_vec(),
        cwd: if below.is_empty() {
            folder
        } else {
            format!("{folder}/{below}")
        },
        env: env::workspace(&api.ctx, &wish),
        size: Size {
            cols: new.cols.unwrap_or(80),
            rows: new.rows.unwrap_or(24),
        },
        user: None,
    };
    let terminal = inside.terminals.create(&spec).await?;
    workspace.touch(api.ctx.clock.now_ms());
    Ok((StatusCode::CREATED, Json(shown(&api, terminal))))
}

pub(super) async fn rename(
    State(api): State<Api>,
    Path((id, terminal)): Path<(WorkspaceId, TerminalId)>,
    Json(new): Json<api::RenameTerminal>,
) -> Answer<Json<api::Terminal>> {
    let terminal = api.inside(id)?.terminals.rename(terminal, &new.name).await?;
    Ok(Json(shown(&api, terminal)))
}

pub(super) async fn close(
    State(api): State<Api>,
    Path((id, terminal)): Path<(WorkspaceId, TerminalId)>,
) -> Answer<StatusCode> {
    api.inside(id)?.terminals.close(terminal).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an attaching viewer may do.
#[derive(Deserialize)]
pub(super) struct Attach {
    #[serde(default)]
    mode: Option<String>,
}

pub(super) async fn attach(
    State(api): State<Api>,
    Path((id, terminal)): Path<(WorkspaceId, TerminalId)>,
    Query(attach): Query<Attach>,
    mut request: Request,
) -> Answer<Response> {
    // Whoever does not say `write` only reads.
    let access = match attach.mode.as_deref() {
        Some("write") => Access::Write,
        _ => Access::Read,
    };
    let inside = api.inside(id)?;
    Ok(inside
        .terminals
        .upgrade(&mut request, terminal, access)
        .map(Body::from)
        .into_response())
}

fn shown(api: &Api, terminal: Terminal) -> api::Terminal {
    let clock = &Arc::clone(&api.ctx).clock;
    let active = terminal.last_input_ms.max(terminal.last_output_ms);
    api::Terminal {
        id: terminal.id,
        name: terminal.name,
        created_at: clock.of_local(terminal.created_ms),
        active_at: active.map(|at| clock.of_local(at)),
        cols: terminal.size.cols,
        rows: terminal.size.rows,
        viewers: u32::try_from(terminal.viewers).unwrap_or(u32::MAX),
        exit: exit(terminal.state),
    }
}

fn exit(state: TerminalState) -> Option<api::TerminalExit> {
    let (code, signal, lost) = match state {
        TerminalState::Running => return None,
        TerminalState::Exited(ExitStatus::Code(code)) => (i32::try_from(code).ok(), None, false),
        TerminalState::Exited(ExitStatus::Signal(signal)) => (None, i32::try_from(signal).ok(), false),
        TerminalState::Lost => (None, None, true),
    };
    Some(api::TerminalExit { code, signal, lost })
}
