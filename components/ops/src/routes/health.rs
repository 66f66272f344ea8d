//! Whether the system is well.

use sam_contract::http::health::{
    AdminHealth, Health, HealthCheck, HealthStatus, QueueHealth, SchemaVersion, SchemaVersions,
};
use sam_domain::migrations::Migration;
use sam_kit::call::Call;
use sam_kit::db::{CORE, Db, OBSERVABILITY};
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;
use sam_kit::reply::Reply;
use sam_kit::vault::signer;

use crate::migrations;
use crate::store::{jobs, schema};

/// A job that waits this long means that nobody works on its queue.
const STUCK_MS: i64 = 120_000;

/// `GET /health`
pub(crate) async fn public((): (), call: Call<()>) -> Result<Reply<Health>, ApiError> {
    let (checks, _) = checks().await;
    let failing: Vec<String> = checks.into_iter().filter(is_failing).map(|check| check.name).collect();
    let (status, code) = if failing.is_empty() {
        (HealthStatus::Healthy, 200)
    } else {
        (HealthStatus::Degraded, 503)
    };
    Ok(Reply::new(Health {
        status,
        timestamp: call.now,
        failing,
    })
    .status(code))
}

/// `GET /api/admin/health`
pub(crate) async fn detailed(_: Principal, call: Call<()>) -> Result<AdminHealth, ApiError> {
    let (mut checks, schema) = checks().await;
    let queues = jobs::health(&CORE, call.now).await?;
    checks.extend(queues.iter().map(queue_check));
    let status = if checks.iter().any(is_failing) {
        HealthStatus::Degraded
    } else {
        HealthStatus::Healthy
    };
    Ok(AdminHealth {
        status,
        checks,
        queues,
        schema,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

fn is_failing(check: &HealthCheck) -> bool {
    check.status == HealthStatus::Degraded
}

/// The parts without which nothing works. Dead letters and slow queues are for administrators to see, not a reason
/// for a load balancer to turn everyone away.
async fn checks() -> (Vec<HealthCheck>, SchemaVersions) {
    let (core, default) = database("default", &CORE, migrations::DEFAULT).await;
    let (errors, observability) = database("observability", &OBSERVABILITY, migrations::OBSERVABILITY).await;
    let vault = match signer::jwks().await {
        Ok(_) => check("vault", true, "keys are loaded".to_owned()),
        Err(error) => check("vault", false, format!("{error:?}")),
    };
    (vec![core, errors, vault], SchemaVersions { default, observability })
}

async fn database(name: &str, db: &impl Db, known: &[Migration]) -> (HealthCheck, SchemaVersion) {
    let newest = known.iter().map(|migration| migration.version).max().unwrap_or(0);
    match schema::version(db).await {
        Ok(version) if version >= newest => (
            check(name, true, format!("schema {version}")),
            SchemaVersion { version },
        ),
        Ok(version) => {
            let detail = format!("schema {version}, this release needs {newest}: `POST /_work/migrate`");
            (check(name, false, detail), SchemaVersion { version })
        }
        Err(error) => (check(name, false, error.to_string()), SchemaVersion { version: 0 }),
    }
}

fn queue_check(queue: &QueueHealth) -> HealthCheck {
    let name = format!("queue {}", queue.queue);
    match queue.oldest_age_ms {
        Some(age) if age > STUCK_MS => check(&name, false, format!("a job has waited for {} s", age / 1_000)),
        _ if queue.dead > 0 => check(&name, false, format!("{} jobs are parked", queue.dead)),
        _ => check(&name, true, format!("{} jobs waiting", queue.depth)),
    }
}

fn check(name: &str, well: bool, detail: String) -> HealthCheck {
    let status = if well {
        HealthStatus::Healthy
    } else {
        HealthStatus::Degraded
    };
    HealthCheck {
        name: name.to_owned(),
        status,
        detail,
    }
}
