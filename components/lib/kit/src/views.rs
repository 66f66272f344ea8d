//! What a component reads of another's tables. A table has one writer; whoever else needs its rows reads them here, so
//! that the owner sees in one place who relies on what.

pub mod nodes;
pub mod users;
pub mod workspaces;
