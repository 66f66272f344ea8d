//! A new workspace: what it may be, and where it goes.

use sam_contract::agent::desired::Limits;
use sam_contract::http::workspaces::{CreateCredential, CreateWorkspace, Workspace};
use sam_contract::ids::NodeId;
use sam_contract::route::{Body, Created};
use sam_contract::settings::{
    WORKSPACE_CPU_MILLI, WORKSPACE_IDLE_MINUTES, WORKSPACE_MEMORY_MIB, WORKSPACE_PIDS, WORKSPACES_PER_NODE_MAX,
    WORKSPACES_PER_USER_MAX,
};
use sam_domain::placement;
use sam_domain::sealed::GIT_CREDENTIAL;
use sam_domain::workspaces::repository::{self, Repository};
use sam_domain::workspaces::{self as rules, branch, image, limits};
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::effects::{self, Cause};
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;
use sam_kit::reply::{Reply, Wake};
use sam_kit::views::nodes;
use sam_kit::{ids, seal, settings};
use serde_json::json;

use super::people::{shown, start_ms};
use super::sentence;
use crate::store::workspaces::{self, Caps, Spec, WorkspaceRow};

/// Longest user name and password of a credential: tokens of forges are a few hundred characters at most.
const CREDENTIAL_CHARS_MAX: usize = 4_000;

/// Name of a workspace of no repository.
const EMPTY_NAME: &str = "workspace";

/// `POST /api/workspaces`
pub(crate) async fn create(
    who: Principal,
    call: Call<Body<CreateWorkspace>>,
) -> Result<Reply<Created<Workspace>>, ApiError> {
    let Body(wish) = &call.input;
    let place = wish.repository.as_deref().map(repository::read).transpose();
    let place = place.map_err(|problem| ApiError::bad_request(format!("repository: {problem}")))?;
    let spec = spec(wish, place.as_ref()).await?;
    let credential = wish
        .credential
        .as_ref()
        .map(|given| checked(given, place.as_ref()))
        .transpose()?;
    let caps = Caps {
        per_node: settings::count(&WORKSPACES_PER_NODE_MAX).await?,
        per_user: settings::count(&WORKSPACES_PER_USER_MAX).await?,
    };
    let row = WorkspaceRow {
        id: ids::new()?,
        account_id: who.account_id,
        user_id: who.user_id,
        node_id: node(&who, wish.node_id, caps).await?,
        spec,
        state: rules::new(call.now, start_ms().await?),
        observed: "{}".to_owned(),
        created_at: call.now,
        version: 1,
    };
    let sealed = match credential {
        Some(text) => Some(seal::seal(&GIT_CREDENTIAL, row.id, text.as_bytes()).await?),
        None => None,
    };
    keep(&who, &call, &row, sealed, caps).await
}

async fn keep(
    who: &Principal,
    call: &Call<Body<CreateWorkspace>>,
    row: &WorkspaceRow,
    sealed: Option<Vec<u8>>,
    caps: Caps,
) -> Result<Reply<Created<Workspace>>, ApiError> {
    let cause = Cause {
        now: call.now,
        account: who.account_id,
        actor: Some(who.user_id),
        request: Some(call.request_id),
    };
    let news = rules::news(&row.id.to_string(), &row.node_id.to_string(), row.state.status);
    let written = effects::write(&news, &cause)?;
    if !workspaces::insert(&CORE, row, sealed, caps, &written).await? {
        return Err(no_room(row, caps).await?);
    }
    let made = Created(shown(who, row.id, &call.site).await?);
    let reply = Reply::new(made).wake(written.wakes()).wake(&[Wake::Node(row.node_id)]);
    Ok(reply.about(&row.id))
}

async fn no_room(row: &WorkspaceRow, caps: Caps) -> Result<ApiError, ApiError> {
    let (on_node, of_user) = workspaces::counts(&CORE, row.node_id, row.user_id).await?;
    Ok(ApiError::conflict(if of_user >= caps.per_user {
        format!("{of_user} workspaces are as many as one user may have: delete one first.")
    } else if on_node >= caps.per_node {
        format!("{on_node} workspaces are as many as one node may have: delete one first, or choose another node.")
    } else {
        "The node takes no new workspaces just now: look at its page, or choose another one.".to_owned()
    }))
}

async fn spec(wish: &CreateWorkspace, place: Option<&Repository>) -> Result<Spec, ApiError> {
    let bad = |part: &str, problem: &dyn std::fmt::Display| ApiError::bad_request(format!("{part}: {problem}"));
    let fallback = || place.map_or_else(|| EMPTY_NAME.to_owned(), |place| repository::short_name(&place.url));
    let name = wish.name.clone().unwrap_or_else(fallback);
    let name = rules::name(&name).map_err(|problem| bad("name", &problem))?;
    let on_branch = wish.branch.as_deref().map(branch::read).transpose();
    let on_branch = on_branch.map_err(|problem| bad("branch", &problem))?;
    if on_branch.is_some() && place.is_none() {
        return Err(ApiError::bad_request(
            "branch: there is no repository to check it out of",
        ));
    }
    let of_image = wish.image.as_deref().map(image::read).transpose();
    let of_image = of_image.map_err(|problem| bad("image", &problem))?;
    let limits = match wish.limits {
        Some(limits) => limits,
        None => defaults().await?,
    };
    limits::check(limits.cpu_milli, limits.memory_bytes, limits.pids)
        .map_err(|problem| ApiError::bad_request(problem.to_string()))?;
    let idle = match wish.idle_stop_minutes {
        Some(minutes) => minutes,
        None => small(settings::count(&WORKSPACE_IDLE_MINUTES).await?),
    };
    Ok(Spec {
        name,
        repository: place.map(|place| place.url.clone()),
        branch: on_branch,
        shallow: wish.shallow && place.is_some(),
        isolation: wish.isolation,
        image: of_image,
        limits,
        idle_stop_minutes: limits::idle(idle).map_err(|problem| ApiError::bad_request(problem.to_string()))?,
    })
}

async fn defaults() -> Result<Limits, ApiError> {
    let mib = u64::try_from(settings::count(&WORKSPACE_MEMORY_MIB).await?).unwrap_or_default();
    Ok(Limits {
        cpu_milli: small(settings::count(&WORKSPACE_CPU_MILLI).await?),
        memory_bytes: mib.saturating_mul(1024 * 1024),
        pids: small(settings::count(&WORKSPACE_PIDS).await?),
    })
}

fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

/// A credential as it is sealed. Git asks line by line, so a line break would be another answer.
fn checked(given: &CreateCredential, place: Option<&Repository>) -> Result<String, ApiError> {
    if place.is_none_or(|place| place.asks.is_none()) {
        return Err(ApiError::bad_request(
            "credential: only repositories at https:// or http:// are asked for one",
        ));
    }
    for (part, text) in [("username", &given.username), ("password", &given.password)] {
        let chars = text.chars().count();
        if chars == 0 || chars > CREDENTIAL_CHARS_MAX || text.contains(char::is_control) {
            return Err(ApiError::bad_request(format!(
                "credential.{part}: 1 to {CREDENTIAL_CHARS_MAX} characters without line breaks are expected"
            )));
        }
    }
    Ok(json!({ "username": given.username, "password": given.password }).to_string())
}

/// The node that was asked for, or the least busy one.
async fn node(who: &Principal, wanted: Option<NodeId>, caps: Caps) -> Result<NodeId, ApiError> {
    if let Some(id) = wanted {
        let node = nodes::find(&CORE, who.account_id, id)
            .await?
            .ok_or_else(ApiError::not_found)?;
        if node.status != sam_domain::nodes::Status::Ready {
            let status = node.status.as_str();
            return Err(ApiError::conflict(format!(
                "The node `{}` is {status}: it takes no workspaces until it is ready.",
                node.name
            )));
        }
        return Ok(node.id);
    }
    let candidates = nodes::candidates(&CORE, who.account_id).await?;
    let workspaces_max = small(caps.per_node);
    let chosen = placement::choose(&candidates, workspaces_max).map_err(|none| ApiError::conflict(sentence(&none)))?;
    chosen
        .id
        .parse()
        .map_err(|_| ApiError::internal(format!("the node id `{}`", chosen.id)))
}
