//! Real guests (`tests/guests`) in a real host on a real socket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod composition;
mod failures;
mod grants;
mod harness;
mod limits;
mod outbound;
mod output;
mod routing;
mod start;
mod streams;
