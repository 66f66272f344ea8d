//! The agent's HTTP API, below `/v1`. Whoever reaches it may do all of it: only the edge does, through the tunnel, after
//! the control plane has decided; and this machine's own user, through the socket in the state directory.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{any, get, patch, post};
use sam_contract::error::ErrorCode;
use sam_contract::ids::WorkspaceId;

use crate::context::Shared;
use crate::fleet::{Fleet, Inside, Workspace};

mod boot;
mod error;
mod files;
mod git;
mod ports;
mod terminals;
mod upload;

use error::{Answer, ApiError};

/// What every handler can get at.
#[derive(Clone)]
struct Api {
    ctx: Shared,
    fleet: Fleet,
}

impl Api {
    fn workspace(&self, id: WorkspaceId) -> Answer<Arc<Workspace>> {
        let unknown = || ApiError::new(ErrorCode::NotFound, format!("there is no workspace {id} on this node"));
        self.fleet.get(id).ok_or_else(unknown)
    }

    /// The way into a running workspace.
    fn inside(&self, id: WorkspaceId) -> Answer<Inside> {
        let resting = || ApiError::new(ErrorCode::NotReady, "the workspace does not run: start it first");
        self.workspace(id)?.inside().ok_or_else(resting)
    }
}

/// All routes.
pub(crate) fn router(ctx: &Shared, fleet: &Fleet) -> Router {
    let api = Api {
        ctx: Arc::clone(ctx),
        fleet: fleet.clone(),
    };
    let workspace = Router::new()
        .route("/terminals", get(terminals::list).post(terminals::create))
        .route(
            "/terminals/{terminal}",
            patch(terminals::rename).delete(terminals::close),
        )
        .route("/terminals/{terminal}/attach", get(terminals::attach))
        .route("/git/status", get(git::status))
        .route("/git/diff", get(git::diff))
        .route("/files", get(files::list))
        .route("/files/mkdir", post(files::mkdir))
        .route("/files/rename", post(files::rename))
        .route("/file", get(files::read).put(upload::write).delete(files::remove))
        .route("/ports", get(ports::list))
        .route("/ports/{port}", any(ports::forward))
        .route("/ports/{port}/", any(ports::forward))
        .route("/ports/{port}/{*path}", any(ports::forward))
        .route("/boot", get(boot::log));
    Router::new()
        .route("/v1/health", get(health))
        .route("/v1/git/remote", get(git::remote))
        .nest("/v1/workspaces/{id}", workspace)
        .fallback(|| async { ApiError::new(ErrorCode::NotFound, "the agent has no such route") })
        .with_state(api)
}

async fn health(State(api): State<Api>) -> axum::Json<serde_json::Value> {
    axum::Json(serde_json::json!({
        "status": "ok",
        "node": api.ctx.node,
        "version": env!("CARGO_PKG_VERSION"),
        "workspaces": api.fleet.observed(),
        "warm": api.ctx.warm.ready(),
    }))
}
