//! The SQL of workspaces, their steps, tickets and port sessions. Nobody else writes these tables.
//!
//! A change of a workspace names the version it was decided about. When it changes what is wanted of the node, the same
//! statement gives it the next number of that node, so that no node can miss it. A ticket is used up by the statement
//! that reads it.

pub mod admissions;
pub mod steps;
pub mod workspaces;
