//! The native host of Simple Agent Manager, as a library that a test can start.
//!
//! It owns what belongs to one installation on one machine: the data directory, the keys, the scheduler of background
//! work and the listeners. It puts `sam-edge` in front of `spin-host` and adds nothing to either. `main.rs` only reads the
//! command line.

pub mod admin_client;
pub mod audit;
pub mod cli;
pub mod data_dir;
mod gate;
pub mod keys;
pub mod listen;
pub mod local_node;
pub mod logging;
pub mod login_link;
pub mod scheduler;
pub mod settings;
pub mod signals;
pub mod up;
pub mod work;
