//! Which migrations are to be applied. Forward only: numbered files, each recorded with its checksum.
//!
//! A file is applied statement by statement, because on libSQL each statement is a request of its own and no
//! transaction spans them. The ledger counts the statements that are done, so an interrupted file goes on where it
//! stopped; the one statement that may have been done but not counted is allowed to say that it is ([`already_done`]).

mod split;

use sha2::{Digest, Sha256};

pub use split::statements;

/// The ledger itself, created before anything is read from it.
pub const LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    -- Statements of the file that are done.
    steps INTEGER NOT NULL,
    -- Binaries that know no migration as new as this one refuse the schema.
    min_binary INTEGER NOT NULL,
    -- Null until all statements are done.
    applied_at INTEGER
) STRICT";

/// A migration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// The number that its file name starts with.
    pub version: i64,
    /// The rest of its file name.
    pub name: &'static str,
    /// Its text.
    pub sql: &'static str,
}

impl Migration {
    /// Hex SHA-256 of the text.
    pub fn checksum(&self) -> String {
        Sha256::digest(self.sql.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The number after `-- min_binary:` in the file's head: the oldest binary, by the newest migration that it knows,
    /// that can work with the schema from here on. 0 when the change only expands.
    pub fn min_binary(&self) -> i64 {
        let head = self.sql.lines().take_while(|line| line.starts_with("--"));
        head.filter_map(|line| line.strip_prefix("-- min_binary:")?.trim().parse().ok())
            .next()
            .unwrap_or(0)
    }
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Which.
    pub version: i64,
    /// Its name then.
    pub name: String,
    /// Its text's checksum then.
    pub checksum: String,
    /// Statements done.
    pub steps: usize,
    /// What it demands of binaries.
    pub min_binary: i64,
    /// Whether all statements are done.
    pub finished: bool,
}

/// Work to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// Which file.
    pub migration: Migration,
    /// Statements of it that are done.
    pub done: usize,
    /// Whether a statement may have been done without being counted.
    pub interrupted: bool,
}

/// Why nothing may be applied, and nobody served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// History was edited.
    #[error("migration {version} ({name}) was changed after it had been applied: restore its text and add a new file")]
    Changed {
        /// Which.
        version: i64,
        /// Its name.
        name: &'static str,
    },
    /// The data is from a newer release that this one does not understand.
    #[error(
        "the data needs a newer release: migration {version} ({name}) demands {min_binary}, this release knows {known}"
    )]
    TooNew {
        /// The migration that demands it.
        version: i64,
        /// Its name.
        name: String,
        /// What it demands.
        min_binary: i64,
        /// What this binary knows.
        known: i64,
    },
    /// A file with a lower number than one already applied.
    #[error("migration {version} ({name}) is older than migration {newest}, which is applied: give it a new number")]
    TooLate {
        /// Which.
        version: i64,
        /// Its name.
        name: &'static str,
        /// The newest applied one.
        newest: i64,
    },
}

/// Compares what is `known` (in order) with what is `recorded`.
///
/// # Errors
/// Why the schema is refused.
pub fn plan(known: &[Migration], recorded: &[Recorded]) -> Result<Vec<Pending>, Refusal> {
    let newest_known = known.iter().map(|m| m.version).max().unwrap_or(0);
    if let Some(demanding) = recorded.iter().find(|row| row.min_binary > newest_known) {
        return Err(Refusal::TooNew {
            version: demanding.version,
            name: demanding.name.clone(),
            min_binary: demanding.min_binary,
            known: newest_known,
        });
    }
    let newest = recorded.iter().map(|row| row.version).max().unwrap_or(0);
    let mut pending = Vec::new();
    for &migration in known {
        let Migration { version, name, .. } = migration;
        match recorded.iter().find(|row| row.version == version) {
            Some(row) if row.checksum != migration.checksum() => return Err(Refusal::Changed { version, name }),
            Some(row) if row.finished => {}
            Some(row) => pending.push(Pending {
                migration,
                done: row.steps,
                interrupted: true,
            }),
            None if version < newest => return Err(Refusal::TooLate { version, name, newest }),
            None => pending.push(Pending {
                migration,
                done: 0,
                interrupted: false,
            }),
        }
    }
    Ok(pending)
}

/// Whether SQLite's message says that the statement's work is done already.
pub fn already_done(message: &str) -> bool {
    message.contains("already exists") || message.contains("duplicate column name")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Migration = Migration {
        version: 1,
        name: "one",
        sql: "-- First.\nCREATE TABLE a (x);",
    };
    const TWO: Migration = Migration {
        version: 2,
        name: "two",
        sql: "-- Second.\n-- min_binary: 2\nALTER TABLE a ADD COLUMN y;",
    };

    fn recorded(migration: Migration) -> Recorded {
        Recorded {
            version: migration.version,
            name: migration.name.to_owned(),
            checksum: migration.checksum(),
            steps: 1,
            min_binary: migration.min_binary(),
            finished: true,
        }
    }

    fn check(known: &[Migration], rows: &[Recorded], expect: Result<&[(i64, usize)], Refusal>) {
        let planned = plan(known, rows).map(|p| p.iter().map(|p| (p.migration.version, p.done)).collect::<Vec<_>>());
        assert_eq!(planned, expect.map(<[_]>::to_vec));
    }

    #[test]
    fn what_is_missing_is_planned_and_what_is_wrong_is_refused() {
        let (one, two) = (recorded(ONE), recorded(TWO));
        check(&[ONE, TWO], &[], Ok(&[(1, 0), (2, 0)]));
        check(&[ONE, TWO], std::slice::from_ref(&one), Ok(&[(2, 0)]));
        check(&[ONE, TWO], &[one.clone(), two.clone()], Ok(&[]));
        let half = Recorded {
            finished: false,
            ..one.clone()
        };
        check(&[ONE, TWO], &[half], Ok(&[(1, 1), (2, 0)]));
        let edited = Recorded {
            checksum: "else".into(),
            ..one.clone()
        };
        check(
            &[ONE],
            &[edited],
            Err(Refusal::Changed {
                version: 1,
                name: "one",
            }),
        );
        check(
            &[ONE, TWO],
            std::slice::from_ref(&two),
            Err(Refusal::TooLate {
                version: 1,
                name: "one",
                newest: 2,
            }),
        );
        let too_new = Refusal::TooNew {
            version: 2,
            name: "two".into(),
            min_binary: 2,
            known: 1,
        };
        check(&[ONE], &[one.clone(), two.clone()], Err(too_new));
        let expanding = Recorded { min_binary: 0, ..two };
        check(&[ONE], &[one, expanding], Ok(&[])); // a newer, compatible schema
    }
}
