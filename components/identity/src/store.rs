//! The SQL of users, sessions, links and API tokens. Nobody else writes these tables.
//!
//! Every statement that changes something says in its `WHERE` what it relies on (version, owner, not used yet) and
//! tells by `RETURNING` whether that held: a second writer, a stranger or a crash finds nothing to change.
//! A query about what belongs to a person carries the account and the user, so that another's row is a miss.

pub mod links;
pub mod sessions;
pub mod tokens;
pub mod users;

/// How often a one-time link, a session and a token are kept after their end, for whoever looks into a mishap.
pub const KEEP_ENDED_MS: i64 = 30 * 86_400_000;
