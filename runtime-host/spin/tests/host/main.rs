//! Real guests (`tests/guests`) in a real host on a real socket.

mod composition;
mod failures;
mod grants;
mod harness;
mod limits;
mod output;
mod routing;
mod start;
mod streams;
