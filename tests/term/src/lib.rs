//! Terminals as a client meets them: used by the fault tests here, by the bench `sam-term`, and by whoever tests a
//! terminal through edge and tunnel (give [`client::connect`] another URL, headers and subprotocols).

pub mod agent;
pub mod client;
pub mod container;
pub mod records;
pub mod supervisor;
