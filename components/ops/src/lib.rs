//! Operations: migrations, which queues are due, the audit chain, health, dead letters, the event stream, discovery.

pub mod migrations;
mod routes;
pub mod store;
mod work;

use sam_contract::queues::{AUDIT, PRUNE};
use sam_contract::routes as table;
use sam_kit::router::Routes;

use routes::{audit, dead_letters, discovery, events, health, host};

/// Every route of this component with its handler.
#[must_use]
pub fn routes() -> Routes {
    Routes::new("ops")
        .on(&table::LIST_AUDIT, audit::list)
        .on(&table::ADMIN_HEALTH, health::detailed)
        .on(&table::LIST_DEAD_LETTERS, dead_letters::list)
        .on(&table::RETRY_DEAD_LETTER, dead_letters::retry)
        .on(&table::EVENTS, events::stream)
        .on(&table::OPENAPI, discovery::openapi)
        .on(&table::JWKS, discovery::jwks)
        .on(&table::HEALTH, health::public)
        .on(&table::MIGRATE, host::migrate)
        .on(&table::DUE, host::due)
        .work(&AUDIT, work::seal)
        .work(&PRUNE, work::prune)
}

#[cfg(target_family = "wasm")]
mod component {
    //! The door that the host knocks on.

    use std::sync::OnceLock;

    use sam_kit::router::RouteService;
    use spin_sdk::http::{IntoResponse, Request};

    static SERVICE: OnceLock<RouteService> = OnceLock::new();

    #[spin_sdk::http_service]
    async fn handle(request: Request) -> impl IntoResponse {
        SERVICE
            .get_or_init(|| super::routes().into_service())
            .serve(request)
            .await
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_route_of_the_table_is_served() {
        assert_eq!(super::routes().mismatches(), [""; 0]);
    }
}
