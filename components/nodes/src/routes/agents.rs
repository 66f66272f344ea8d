//! What agents ask and tell. Their messages may be lost, repeated and reordered, and come from older processes.

use http::HeaderValue;
use http::header::HeaderName;
use sam_contract::agent::auth::Superseded;
use sam_contract::agent::desired::{Desired, DesiredQuery, Warm};
use sam_contract::agent::enrol::{Start, Started, TunnelQuery};
use sam_contract::agent::observed::{Observed, ObservedTaken};
use sam_contract::ids::NodeId;
use sam_contract::route::{Body, NoContent, Query};
use sam_contract::settings::WARM_CONTAINERS;
use sam_domain::effects::{Effects, NewJob};
use sam_domain::nodes::{self as rules, Event};
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::effects::{self, Cause, Written};
use sam_kit::error::ApiError;
use sam_kit::guard::NodePrincipal;
use sam_kit::hold;
use sam_kit::reply::{Reply, Wake};
use sam_kit::settings;
use sam_kit::views::workspaces;
use serde_json::json;

use super::{By, alter};
use crate::store::nodes::{self, Change, NodeRow};
use crate::store::reports::{self, Kept};

/// Seconds for which the edge holds the question for what is wanted.
const HOLD_S: u32 = 25;

/// The number of a wish and that of warm containers share a generation: the lowest bits are the containers, of which
/// the setting allows 20 at most.
const WARM_BITS: u32 = 5;

/// Workspaces of one report at most: many times what a node may have.
const REPORTED_MAX: usize = 2_000;

fn by<I>(who: NodePrincipal, call: &Call<I>) -> By {
    By {
        account: Some(who.account_id),
        actor: None,
        request: call.request_id,
        now: call.now,
    }
}

/// A newer process of this agent runs: the asking one has to end.
pub(crate) fn superseded(newest: i64) -> ApiError {
    ApiError::conflict("A newer process of this agent runs: this one has to end.").with_details(json!(Superseded {
        stale_epoch: Some(newest)
    }))
}

/// `POST /api/agent/v1/start`
pub(crate) async fn start(who: NodePrincipal, call: Call<Body<Start>>) -> Result<Reply<Started>, ApiError> {
    let Body(Start { machine }) = &call.input;
    let machine = serde_json::to_string(machine).map_err(|error| ApiError::internal(error.to_string()))?;
    // Never behind the clock, so that a restored backup gives out no epoch a second time.
    let epoch_of = |row: &NodeRow| row.epoch.saturating_add(1).max(call.now.div_euclid(1_000));
    let change = |row: &NodeRow| Change {
        epoch: Some(epoch_of(row)),
        machine: Some(machine.clone()),
        ..Change::default()
    };
    let (was, written) = alter(by(who, &call), who.node_id, Event::Started, change).await?;
    let started = Started {
        epoch: epoch_of(&was),
        server_time: call.now,
    };
    // The older process hears of it at once.
    Ok(Reply::new(started)
        .wake(written.wakes())
        .wake(&[Wake::Node(who.node_id)]))
}

async fn generation(node: NodeId) -> Result<(i64, Warm), ApiError> {
    let containers = u32::try_from(settings::count(&WARM_CONTAINERS).await?).unwrap_or_default();
    let newest = workspaces::newest(&CORE, node).await?;
    let warm = Warm {
        containers,
        image: None,
    };
    Ok(((newest << WARM_BITS) | i64::from(containers), warm))
}

/// `GET /api/agent/v1/desired`
pub(crate) async fn desired(who: NodePrincipal, call: Call<Query<DesiredQuery>>) -> Result<Reply<Desired>, ApiError> {
    let Query(DesiredQuery { have, epoch }) = call.input;
    if epoch.is_some_and(|epoch| epoch < who.epoch) {
        return Err(superseded(who.epoch));
    }
    let (generation, warm) = generation(who.node_id).await?;
    let wanted = Desired {
        generation,
        server_time: call.now,
        workspaces: workspaces::wishes(&CORE, who.node_id).await?,
        warm,
    };
    let reply = Reply::new(wanted);
    // Not "newer than": after a backup was restored the agent may have one that is larger than ours.
    if have != Some(generation) || !hold::is_held_by_edge(&call.headers) {
        return Ok(reply);
    }
    let epoch = epoch.map(|epoch| format!("&epoch={epoch}")).unwrap_or_default();
    let link = format!("/api/agent/v1/desired?have={generation}{epoch}");
    hold::long_poll(reply, Wake::Node(who.node_id), HOLD_S, &link)
}

/// `PUT /api/agent/v1/observed`
pub(crate) async fn observed(who: NodePrincipal, call: Call<Body<Observed>>) -> Result<Reply<ObservedTaken>, ApiError> {
    let Body(report) = &call.input;
    if report.epoch < who.epoch {
        return Err(superseded(who.epoch));
    }
    if report.workspaces.len() > REPORTED_MAX {
        return Err(ApiError::bad_request(format!("workspaces: more than {REPORTED_MAX}")));
    }
    let cause = Cause {
        now: call.now,
        account: who.account_id,
        actor: None,
        request: None,
    };
    let news = effects::write(&reconcile(who.node_id), &cause)?;
    let kept = reports::keep(&CORE, who.node_id, report, call.now, &news).await?;
    let mut wakes = Vec::new();
    if kept == Kept::News {
        wakes.extend_from_slice(news.wakes());
    }
    if kept != Kept::Late {
        wakes.extend_from_slice(heard(who, &call).await?.wakes());
    }
    let (generation, _) = generation(who.node_id).await?;
    let taken = ObservedTaken {
        generation,
        server_time: call.now,
    };
    Ok(Reply::new(taken).wake(&wakes))
}

/// `workspaces` looks at what was reported. One job for a node, however much is new.
fn reconcile(node: NodeId) -> Effects {
    Effects::job(NewJob {
        queue: "workspaces",
        kind: "reconcile",
        key: format!("reconcile:{node}"),
        payload: vec![("node_id", node.to_string().into())],
        delay_ms: 0,
    })
}

/// What a report says of the node itself; most say nothing new, and cost one read.
async fn heard(who: NodePrincipal, call: &Call<Body<Observed>>) -> Result<Written, ApiError> {
    let Body(report) = &call.input;
    let row = nodes::find(&CORE, who.node_id).await?.ok_or_else(ApiError::not_found)?;
    let machine = serde_json::to_string(&report.machine).map_err(|error| ApiError::internal(error.to_string()))?;
    let change = Change {
        // Known here since a backup was restored: larger than ours, and given out by us all the same.
        epoch: (report.epoch > row.epoch).then_some(report.epoch),
        machine: (row.machine.as_deref() != Some(machine.as_str())).then_some(machine),
        ..Change::default()
    };
    let decided = rules::step(row.state, Event::Reported, &row.id.to_string(), call.now);
    let changes = decided.is_ok_and(|(next, _)| next != row.state);
    if !changes && change == Change::default() {
        return Ok(Written::default());
    }
    let (_, written) = alter(by(who, call), who.node_id, Event::Reported, |_| change.clone()).await?;
    Ok(written)
}

/// `GET /api/agent/v1/tunnel`: the edge asks before it opens the tunnel.
pub(crate) async fn tunnel(who: NodePrincipal, call: Call<Query<TunnelQuery>>) -> Result<Reply<NoContent>, ApiError> {
    let Query(TunnelQuery { epoch }) = call.input;
    if epoch.is_some_and(|epoch| epoch < who.epoch) {
        return Err(superseded(who.epoch));
    }
    let epoch = epoch.unwrap_or(who.epoch);
    let value = HeaderValue::from_str(&format!("{} {epoch}", who.node_id));
    let value = value.map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(Reply::new(NoContent).header(HeaderName::from_static("x-sam-tunnel"), value))
}
