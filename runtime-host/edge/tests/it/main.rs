//! The edge over real sockets, in front of small applications made of closures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::type_complexity, reason = "tables of cases")]

mod client;
mod forward;
mod grip;
mod hygiene;
mod journal;
mod objects;
mod proxy;
mod slow;
mod tunnel;
mod world;
