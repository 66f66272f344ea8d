//! The SQL of this component.

pub mod audit;
pub mod events;
pub mod jobs;
pub mod prune;
pub mod schema;
