//! The handlers, one module per noun.

pub(crate) mod audit;
pub(crate) mod dead_letters;
pub(crate) mod discovery;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod host;
