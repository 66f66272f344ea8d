//! The contract between the control plane and everyone who talks to it: wire types, routes, ids, errors, settings.
//!
//! Policy: *lockstep* for the browser API (web app and components ship together); a route marked
//! [`Stability::Stable`](route::Stability) is for API tokens too and changes only by addition.
//! Nothing here does I/O, and nothing here decides: that is `sam-domain`.

pub mod agent;
pub mod audit;
pub mod error;
pub mod http;
pub mod ids;
pub mod openapi;
pub mod page;
pub mod queues;
pub mod route;
pub mod routes;
pub mod settings;
pub mod terminal;
