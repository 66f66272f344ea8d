//! The edge over real sockets, in front of small applications made of closures.

mod client;
mod grip;
mod hygiene;
mod journal;
mod objects;
mod slow;
