//! The vault: the only component that reads variables, and so the only one that ever holds a key.
//!
//! The pure parts (key ring, envelopes, signed tokens) are ordinary modules with native tests; `component` is
//! the glue to WIT. The vault writes no log line: whatever it knows is secret.

pub mod envelope;
pub mod jws;
pub mod keyring;

#[cfg(target_arch = "wasm32")]
mod component;
