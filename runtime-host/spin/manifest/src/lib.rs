//! Reads, checks and resolves a Spin manifest (`spin.toml`, version 2), and composes a component with its
//! dependencies. Nothing here runs wasm, opens a socket or waits: the host does that with what this crate returns.
//!
//! ```text
//! spin.toml ─▶ Manifest::load ─▶ App ─┬▶ Router::new(&app)             which component answers a path
//!                (all problems         ├▶ app.resolve_variables(&…)     values of `[variables]`, once, at start
//!                 in one error)        ├▶ component.variables(&values)  what the component may read
//!                                      ├▶ component.allowed_hosts(&…)   where it may connect
//!                                      ├▶ component.guest_files(&app)   which files it sees
//!                                      └▶ compose(&app, id)             one wasm component, dependencies wired in
//! ```
//!
//! The reader is stricter than Spin itself: a key that Spin knows but this host does not support is refused by name,
//! and an unknown key or an unknown value in `inherit_configuration` is an error where Spin ignores it. A manifest
//! that loads here therefore means the same on Spin 4.1.

mod app;
pub mod compose;
mod dependency;
mod files;
mod hosts;
mod names;
mod problem;
mod read;
mod route;
mod router;
mod template;
mod variables;

pub use app::{App, Build, Component, FileMount, HttpTrigger, TriggerRoute, VariableDecl};
pub use compose::{ComposeError, compose};
pub use dependency::{Dependency, DependencyName, DependencySource, Inherit, Inheritable};
pub use files::GuestFiles;
pub use hosts::{AllowedHosts, HostError};
pub use problem::{LoadError, Problem};
pub use read::Manifest;
pub use route::{RoutePattern, RoutePatternError};
pub use router::{RouteMatch, Router};
pub use template::{Template, TemplateError};
pub use variables::{MissingVariables, VariableValues};
