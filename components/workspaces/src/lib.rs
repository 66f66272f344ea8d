//! Workspaces: isolated working copies of repositories, on nodes.
//!
//! People say what they want of a workspace; `nodes` tells its node, and keeps what the node reports; this component
//! makes of both what the workspace is (`sam_domain::workspaces`). What is inside a workspace (terminals, files, ports)
//! is the node's to tell: such requests are guarded here and answered through the node's tunnel.

mod inside;
mod routes;
pub mod store;
mod wire;
pub mod work;

use sam_contract::queues::WORKSPACES;
use sam_contract::routes as table;
use sam_kit::router::Routes;

use routes::{admission, agents, create, forwards, people, tickets};

/// Every route of this component with its handler.
#[must_use]
pub fn routes() -> Routes {
    Routes::new("workspaces")
        .on(&table::LIST_WORKSPACES, people::list)
        .on(&table::CREATE_WORKSPACE, create::create)
        .on(&table::GET_WORKSPACE, people::get)
        .on(&table::PATCH_WORKSPACE, people::patch)
        .on(&table::STOP_WORKSPACE, people::stop)
        .on(&table::START_WORKSPACE, people::start)
        .on(&table::RESTART_WORKSPACE, people::restart)
        .on(&table::REBUILD_WORKSPACE, people::rebuild)
        .on(&table::DELETE_WORKSPACE, people::delete)
        .on(&table::WORKSPACE_BOOT, people::boot)
        .on(&table::WORKSPACE_STEP_LOG, forwards::step_log)
        .on(&table::CREATE_TICKET, tickets::create)
        .on(&table::LIST_TERMINALS, forwards::list_terminals)
        .on(&table::CREATE_TERMINAL, forwards::create_terminal)
        .on(&table::RENAME_TERMINAL, forwards::rename_terminal)
        .on(&table::CLOSE_TERMINAL, forwards::close_terminal)
        .on(&table::GIT_STATUS, forwards::git_status)
        .on(&table::GIT_DIFF, forwards::git_diff)
        .on(&table::LIST_FILES, forwards::list_files)
        .on(&table::READ_FILE, forwards::read_file)
        .on(&table::WRITE_FILE, forwards::write_file)
        .on(&table::DELETE_FILE, forwards::delete_file)
        .on(&table::CREATE_FOLDER, forwards::create_folder)
        .on(&table::RENAME_FILE, forwards::rename_file)
        .on(&table::AGENT_EVENTS, agents::events)
        .on(&table::AGENT_CREDENTIAL, agents::credential)
        .on(&table::ADMIT, admission::admit)
        .work(&WORKSPACES, work::step)
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
