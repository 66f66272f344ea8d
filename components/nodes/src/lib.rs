//! Nodes: machines that run workspaces.
//!
//! A machine joins with a printed command, whose script it fetches here with the agent's binary. From then on its
//! agent asks what is wanted of it and reports what is there; both are whole each time, so that a message which is
//! lost, repeated or late does no harm. What happens to a node is decided in `sam_domain::nodes`.

mod binaries;
mod install;
mod routes;
pub mod store;
mod wire;
pub mod work;

use sam_contract::queues::NODES;
use sam_contract::routes as table;
use sam_kit::router::Routes;

use routes::{agents, downloads, host, joining, people};

/// Every route of this component with its handler.
#[must_use]
pub fn routes() -> Routes {
    Routes::new("nodes")
        .on(&table::LIST_NODES, people::list)
        .on(&table::CREATE_NODE, joining::create)
        .on(&table::GET_NODE, people::get)
        .on(&table::RENAME_NODE, people::rename)
        .on(&table::CREATE_NODE_TOKEN, joining::another_command)
        .on(&table::DRAIN_NODE, people::drain)
        .on(&table::RESUME_NODE, people::resume)
        .on(&table::DELETE_NODE, people::delete)
        .on(&table::NODE_REMOTE, people::remote)
        .on(&table::AGENT_INSTALL, downloads::install)
        .on(&table::AGENT_DOWNLOAD, downloads::download)
        .on(&table::AGENT_VERSION, downloads::version)
        .on(&table::AGENT_ENROL, joining::enrol)
        .on(&table::AGENT_START, agents::start)
        .on(&table::AGENT_DESIRED, agents::desired)
        .on(&table::AGENT_OBSERVED, agents::observed)
        .on(&table::AGENT_TUNNEL, agents::tunnel)
        .on(&table::TUNNEL_CHANGE, host::tunnel_change)
        .on(&table::LOCAL_NODE, host::local_node)
        .work(&NODES, work::step)
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
