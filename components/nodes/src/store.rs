//! The SQL of nodes and their reports. Nobody else writes these tables.
//!
//! A change of a node names the version it was decided about, and finds nothing when someone else was faster. A report
//! is one statement however many nodes there are: the row says itself whether anything about workspaces is new.

pub mod nodes;
pub mod reports;
