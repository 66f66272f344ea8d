//! What a person, a script or an operator sees over HTTP, from the real components in a real host.

mod audit;
mod cube;
mod durability;
mod nodes;
mod people;
mod platform;
mod sign_in;
mod streams;
mod tokens;
mod workspaces;
