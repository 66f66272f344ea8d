//! What the host beside us asks.

use sam_contract::http::work::{Due, DueQueue, Migrated};
use sam_contract::queues::{self, RECURRING};
use sam_kit::call::Call;
use sam_kit::db::{CORE, OBSERVABILITY};
use sam_kit::error::ApiError;
use sam_kit::jobs as work;

use crate::migrations;
use crate::store::jobs;

/// `POST /_work/migrate`
pub(crate) async fn migrate((): (), call: Call<()>) -> Result<Migrated, ApiError> {
    let mut applied = Vec::new();
    for name in migrations::apply(&OBSERVABILITY, migrations::OBSERVABILITY, call.now).await? {
        applied.push(format!("observability/{name}"));
    }
    for name in migrations::apply(&CORE, migrations::DEFAULT, call.now).await? {
        applied.push(format!("default/{name}"));
    }
    for (queue, kind) in RECURRING {
        work::ensure(&CORE, queue, kind, call.now).await?;
    }
    Ok(Migrated { applied })
}

/// `POST /_work/due`
pub(crate) async fn due((): (), call: Call<()>) -> Result<Due, ApiError> {
    let names = jobs::due(&CORE, call.now).await?;
    let known = names.iter().filter_map(|name| queues::find(name));
    let queues = known.map(|queue| DueQueue {
        queue: queue.name.to_owned(),
        component: queue.component.to_owned(),
    });
    Ok(Due {
        queues: queues.collect(),
        health: jobs::health(&CORE, call.now).await?,
    })
}
