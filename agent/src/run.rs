//! A running agent: the loops that talk to the control plane, and what they end with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock::{Clock, unit};
use crate::context::{Context, Shared};
use crate::control::{Control, ControlError};
use crate::docker::Engine;
use crate::fleet::Fleet;
use crate::git;
use crate::identity::{Identity, IdentityError};
use crate::place::Places;
use crate::state::StateDir;
use crate::store::Store;
use crate::warm::Warm;

mod begin;
mod desired;
mod events;
mod local;
mod report;
mod supervisor;
mod tunnel;

/// How an agent runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its folder.
    pub state: StateDir,
    /// Image of containers that name no other.
    pub base_image: String,
    /// Docker's socket.
    pub docker: PathBuf,
    /// The supervisor's binary; beside the agent's own without it.
    pub supervisor: Option<PathBuf>,
}

/// Why an agent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was asked to.
    Stopped,
    /// A newer process runs for the node.
    Superseded,
    /// The control plane has deleted the node. Everything on it is kept.
    Gone,
}

/// What the control plane has told and not told, shared by the loops.
#[derive(Clone)]
struct Session {
    ctx: Shared,
    fleet: Fleet,
    epoch: i64,
    /// Generation of the desired state that was taken up.
    generation: watch::Sender<i64>,
    /// Newest generation that a report was answered with.
    newest: watch::Sender<i64>,
    end: CancellationToken,
}

/// Runs until `stop`, or until the control plane says that it is over. Workspaces go on running either way.
pub async fn run(options: Options, stop: CancellationToken) -> anyhow::Result<End> {
    let _lock = options.state.lock()?;
    let identity = Identity::load(&options.state)?.ok_or(IdentityError::NotEnrolled)?;
    let node = identity.node.ok_or(IdentityError::NotEnrolled)?;
    git::prepare(&options.state)?;
    let supervisor = supervisor::install(&options.state, options.supervisor.as_deref())?;
    let clock = Clock::default();
    let ctx = Arc::new(Context {
        node,
        places: Places::new(options.state.clone()),
        store: Store::open(&options.state.database())?,
        control: Control::new(identity, clock.clone()),
        clock,
        engine: Engine::new(options.docker, node),
        base_image: options.base_image,
        supervisor,
        credentials: git::credential::Sockets::default(),
        warm: Warm::default(),
        changed: tokio::sync::Notify::new(),
        state: options.state,
    });
    ctx.warm.restore(&ctx).await;
    let end = stop.child_token();
    let fleet = Fleet::restore(Arc::clone(&ctx), end.clone()).await;
    info!(%node, version = env!("CARGO_PKG_VERSION"), "the agent runs");
    let local = local::serve(&ctx, &fleet)?;
    let ended = talk(&ctx, &fleet, &end).await;
    end.cancel();
    drop(local);
    if ended == End::Gone {
        // Containers made in advance are nobody's: without a node there is nobody to take them either.
        ctx.warm.give_up(&ctx).await;
    }
    // What was written down last is on disk before the process ends.
    if let Err(error) = ctx.store.flush().await {
        warn!(%error, "the last entries may not be on disk");
    }
    Ok(ended)
}

async fn talk(ctx: &Shared, fleet: &Fleet, end: &CancellationToken) -> End {
    let warm = async {
        ctx.warm.keep(ctx).await;
        End::Stopped
    };
    let talk = async {
        let epoch = match begin::begin(ctx).await {
            Ok(epoch) => epoch,
            Err(ended) => return ended,
        };
        info!(epoch, "the control plane has taken this process");
        let session = Session {
            ctx: Arc::clone(ctx),
            fleet: fleet.clone(),
            epoch,
            generation: watch::Sender::new(-1),
            newest: watch::Sender::new(-1),
            end: end.clone(),
        };
        tokio::select! {
            ended = desired::follow(&session) => ended,
            ended = report::keep(&session) => ended,
            ended = events::deliver(&session) => ended,
            ended = tunnel::keep(&session) => ended,
        }
    };
    tokio::select! {
        ended = talk => ended,
        ended = warm => ended,
        () = end.cancelled() => End::Stopped,
    }
}

/// What an error means for the whole agent; none when it is only to be tried again.
fn ends(error: &ControlError) -> Option<End> {
    match error {
        ControlError::Gone => Some(End::Gone),
        ControlError::Superseded(epoch) => {
            warn!(epoch, "a newer agent process runs for this node: this one stands down");
            Some(End::Superseded)
        }
        _ => None,
    }
}

/// How long to wait after so many failures in a row. A control plane that refuses us is not asked often.
fn pause(failures: u32, error: &ControlError) -> Duration {
    let longest = match error {
        ControlError::Unauthorized(_) => Duration::from_secs(60),
        _ => Duration::from_secs(30),
    };
    let first = Duration::from_millis(500);
    sam_agent_domain::backoff::jittered(failures, first, longest, unit())
}
