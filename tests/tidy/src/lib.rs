//! House rules that a test can see. Each module checks one kind of rule over the tree as it is;
//! a failing rule lists every place that breaks it.
#![cfg(test)]

mod edges;
mod names;
mod sealed;
mod settings;
mod sources;
mod tables;
mod tree;
mod wit;
mod worlds;
