//! Containers made in advance: each runs idle in an empty slot. A workspace whose wish it fits takes the slot, and with it
//! a container that already runs; the slot's folders are mounted in it, so nothing has to be restarted.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sam_contract::agent::desired::{DesiredWorkspace, Isolation, Limits, Warm as Wanted};
use tokio::sync::Notify;
use tracing::{debug, warn};

use crate::boot::runtime::container_env;
use crate::context::{Context, Shared, supervisor_answers, supervisor_pid};
use crate::docker::EngineError;
use crate::docker::container::{self, Of};
use crate::place::Place;

/// More are not kept, whatever is wished: each holds memory.
const WARM_MAX: u32 = 16;
/// How often it is looked whether they still run.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// A workspace that was just given one is still starting: the next is not made in its way.
const REFILL_AFTER: Duration = Duration::from_secs(2);

/// The containers that are ready.
#[derive(Default)]
pub(crate) struct Warm {
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Default)]
struct Inner {
    wanted: Wanted,
    ready: Vec<Ready>,
}

#[derive(Clone)]
struct Ready {
    place: Place,
    image: String,
}

impl Warm {
    /// How many are ready.
    pub(crate) fn ready(&self) -> u32 {
        u32::try_from(self.lock().ready.len()).unwrap_or(u32::MAX)
    }

    /// What is wished.
    pub(crate) fn want(&self, wanted: &Wanted) {
        let mut inner = self.lock();
        if inner.wanted != *wanted {
            inner.wanted = wanted.clone();
            self.changed.notify_one();
        }
    }

    /// One that fits, which from now on is the caller's.
    pub(crate) async fn take(&self, ctx: &Context, wish: &DesiredWorkspace) -> Option<Place> {
        if wish.isolation == Some(Isolation::Process) {
            return None;
        }
        let image = wish.image.as_deref().unwrap_or(&ctx.base_image);
        loop {
            let taken = {
                let mut inner = self.lock();
                let fits = inner.ready.iter().position(|ready| ready.image == image)?;
                inner.ready.remove(fits)
            };
            self.changed.notify_one();
            if supervisor_pid(&taken.place).await.is_some() {
                return Some(taken.place);
            }
            debug!(slot = taken.place.slot(), "a container made in advance has died");
        }
    }

    /// Takes up what an earlier process made, and removes what it left half made. Before any workspace is started: a slot
    /// that is just being made looks like one that was left.
    pub(crate) async fn restore(&self, ctx: &Context) {
        let containers = match ctx.engine.containers(Of::Node).await {
            Ok(containers) => containers,
            Err(EngineError::Absent(_)) => Vec::new(),
            Err(error) => {
                warn!(%error, "containers made in advance are not looked for");
                return;
            }
        };
        for place in ctx.places.spare() {
            let slot = place.slot();
            let own = containers.iter().find(|found| found.slot.as_ref() == Some(&slot));
            if let Some(found) = own
                && found.running
                && supervisor_pid(&place).await.is_some()
            {
                let image = found.image.clone();
                self.lock().ready.push(Ready { place, image });
                continue;
            }
            remove(ctx, &place).await;
        }
    }

    /// Keeps as many ready as are wished; never returns.
    pub(crate) async fn keep(&self, ctx: &Shared) {
        let mut failures = 0;
        loop {
            let (wanted, image, ready) = {
                let inner = self.lock();
                let image = inner.wanted.image.clone().unwrap_or_else(|| ctx.base_image.clone());
                (inner.wanted.containers.min(WARM_MAX), image, inner.ready.clone())
            };
            let mut fitting = 0;
            for one in ready {
                let keep = one.image == image && fitting < wanted && supervisor_pid(&one.place).await.is_some();
                if keep {
                    fitting += 1;
                } else if self.forget(&one.place) {
                    remove(ctx, &one.place).await;
                }
            }
            if fitting < wanted && ctx.engine.exists() {
                match make(ctx, &image).await {
                    Ok(place) => {
                        self.lock().ready.push(Ready { place, image });
                        ctx.changed.notify_one();
                        failures = 0;
                        continue;
                    }
                    Err(error) => {
                        failures += 1;
                        warn!(error, "no container was made in advance");
                    }
                }
            }
            let pause = LOOK_EVERY * 2_u32.pow(failures.min(4));
            if tokio::time::timeout(pause, self.changed.notified()).await.is_ok() {
                tokio::time::sleep(REFILL_AFTER).await;
            }
        }
    }

    /// Removes all of them, and the node's network if no workspace is on it.
    pub(crate) async fn give_up(&self, ctx: &Context) {
        let ready = std::mem::take(&mut self.lock().ready);
        for one in ready {
            remove(ctx, &one.place).await;
        }
        if let Err(error) = ctx.engine.remove_network().await {
            debug!(%error, "the node's network is left");
        }
    }

    /// Takes one off the list; false when a workspace was faster.
    fn forget(&self, place: &Place) -> bool {
        let mut inner = self.lock();
        let before = inner.ready.len();
        inner.ready.retain(|ready| ready.place != *place);
        inner.ready.len() < before
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn make(ctx: &Context, image: &str) -> Result<Place, String> {
    let place = ctx.places.make(&ctx.clock).map_err(|error| error.to_string())?;
    let made = async {
        if !ctx.engine.has_image(image).await? {
            ctx.engine.pull(image, None).await?;
        }
        ctx.engine.network().await?;
        let wanted = container::Wanted {
            place: &place,
            workspace: None,
            image,
            hostname: "workspace",
            env: container_env(),
            limits: Limits::default(),
            supervisor: &ctx.supervisor,
        };
        let id = ctx.engine.create(wanted).await?;
        ctx.engine.start(&id).await
    };
    let failure = match made.await {
        Ok(()) if supervisor_answers(&place, Duration::from_secs(15)).await.is_some() => return Ok(place),
        Ok(()) => "its supervisor does not answer".to_owned(),
        Err(error) => error.to_string(),
    };
    remove(ctx, &place).await;
    Err(failure)
}

/// Removes a slot that is nobody's, with its container.
async fn remove(ctx: &Context, place: &Place) {
    if ctx.engine.exists() {
        match ctx.engine.containers(Of::Slot(&place.slot())).await {
            Ok(containers) => {
                for found in containers {
                    if let Err(error) = ctx.engine.remove(&found.id).await {
                        warn!(%error, "a container made in advance is left");
                        return;
                    }
                }
            }
            Err(error) => {
                warn!(%error, "a container made in advance is left");
                return;
            }
        }
    }
    if let Err(error) = ctx.places.discard(place) {
        warn!(%error, slot = place.slot(), "an unused slot is left");
    }
}
