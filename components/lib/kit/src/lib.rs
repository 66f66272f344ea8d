//! The only Spin plumbing: what every component of the control plane stands on.
//!
//! A component is a list of `(route, handler)` pairs given to [`router::Routes`]. The guard, rate limits, parsing, the
//! audit row and the error envelope are done here, once; a handler gets its principal and a typed [`call::Call`].
//! Nothing is here that only one component needs.

pub mod audit;
pub mod call;
pub mod clock;
pub mod db;
pub mod effects;
pub mod error;
pub mod guard;
pub mod hold;
pub mod ids;
pub mod jobs;
pub mod later;
pub mod limits;
#[cfg(feature = "native")]
pub mod native;
pub mod reply;
pub mod report;
pub mod router;
pub mod seal;
pub mod settings;
pub mod site;
pub mod vault;
pub mod views;

/// Builds the parameters of a statement: `params![id, now, name]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Value::from($value)),*] };
}
