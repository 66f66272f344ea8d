//! Identity: users, their sessions, one-time links and API tokens.
//!
//! There are no passwords. The host prints a link for the operator at its start; whoever comes later is invited with
//! a link; a link signs a user in on another device. Scripts use API tokens. What is decided about all of them is in
//! `sam_domain`, and who may call what in the route table.

pub mod redemption;
mod routes;
pub mod store;
mod wire;
mod work;

use sam_contract::queues::IDENTITY;
use sam_contract::routes as table;
use sam_kit::router::Routes;

use routes::{invites, links, profile, sessions, sign_in, tokens, users};

/// Every route of this component with its handler.
#[must_use]
pub fn routes() -> Routes {
    Routes::new("identity")
        .on(&table::LOGIN, sign_in::login)
        .on(&table::LOGOUT, sign_in::logout)
        .on(&table::ME, sign_in::me)
        .on(&table::LIST_SESSIONS, sessions::list)
        .on(&table::REVOKE_SESSION, sessions::revoke)
        .on(&table::REVOKE_SESSIONS, sessions::revoke_all)
        .on(&table::CREATE_LOGIN_LINK, links::create)
        .on(&table::PATCH_PROFILE, profile::patch)
        .on(&table::LIST_TOKENS, tokens::list)
        .on(&table::CREATE_TOKEN, tokens::create)
        .on(&table::REVOKE_TOKEN, tokens::revoke)
        .on(&table::LIST_USERS, users::list)
        .on(&table::APPROVE_USER, users::approve)
        .on(&table::SUSPEND_USER, users::suspend)
        .on(&table::REINSTATE_USER, users::reinstate)
        .on(&table::SET_ROLE, users::set_role)
        .on(&table::LIST_INVITES, invites::list)
        .on(&table::CREATE_INVITE, invites::create)
        .on(&table::REVOKE_INVITE, invites::revoke)
        .on(&table::HOST_LINK, links::for_host)
        .work(&IDENTITY, work::step)
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
