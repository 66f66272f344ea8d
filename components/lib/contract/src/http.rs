//! Wire types of the browser API, one module per noun. Times are UTC epoch milliseconds.

pub mod account;
pub mod admin;
pub mod auth;
pub mod discovery;
pub mod edge;
pub mod events;
pub mod health;
pub mod invites;
pub mod nodes;
pub mod tokens;
pub mod users;
pub mod work;
pub mod workspaces;
