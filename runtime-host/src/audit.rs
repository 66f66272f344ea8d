//! `sam-host audit verify`: reads the audit log as it lies on the disk and checks its hash chain.
//!
//! What the chain is stands in `sam_domain::audit`; this module only reads rows. It opens the database read-only, so it
//! works beside a running host and on a copy.

use crate::data_dir::DataDir;
use anyhow::{Context, Result, bail};
use rusqlite::{Connection, OpenFlags, Row as SqlRow};
use sam_domain::audit::{Hash, Row, Sound, Verifier};
use std::path::Path;

/// Checks the audit log of an installation and prints what was found.
///
/// # Errors
/// When the log cannot be read, or is not sound.
#[allow(clippy::print_stdout, reason = "the result of the command")]
pub fn command(data_dir: &Path) -> Result<()> {
    let data = DataDir::at(data_dir);
    data.must_exist()?;
    let sound = verify(&data.default_database())?;
    let tip: String = sound.tip.iter().map(|byte| format!("{byte:02x}")).collect();
    println!(
        "The audit log is sound: {} sealed rows, {} newest rows not sealed yet.",
        sound.sealed, sound.unsealed
    );
    println!("Its newest link is {tip}; kept elsewhere, it proves later that nothing before it was cut off.");
    Ok(())
}

/// Checks the audit log in the database at `path`.
///
/// # Errors
/// When the log cannot be read, or is not sound; the error names the row.
pub fn verify(path: &Path) -> Result<Sound> {
    let cannot_read = || format!("the audit log in {} cannot be read", path.display());
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).with_context(cannot_read)?;
    // One snapshot: a running host may append between the two questions.
    let snapshot = database.unchecked_transaction().with_context(cannot_read)?;
    let mut statement = snapshot
        .prepare(
            "SELECT seq, at, actor_user_id, account_id, action, target, request_id, outcome, prev_hash, hash \
             FROM audit_log ORDER BY seq",
        )
        .with_context(cannot_read)?;
    let mut rows = statement.query([]).with_context(cannot_read)?;
    let (mut verifier, mut last) = (Verifier::default(), 0);
    while let Some(row) = rows.next().with_context(cannot_read)? {
        last = feed(&mut verifier, row).context("the audit log is not sound")?;
    }
    let given: Option<i64> = snapshot
        .query_row(
            "SELECT max(seq) FROM sqlite_sequence WHERE name = 'audit_log'",
            [],
            |row| row.get(0),
        )
        .with_context(cannot_read)?;
    match given {
        Some(given) if given != last => {
            bail!(
                "the audit log is not sound: it ends at row {last}, but row {given} was written; the newest rows were removed"
            )
        }
        _ => Ok(verifier.finish()),
    }
}

fn feed(verifier: &mut Verifier, row: &SqlRow<'_>) -> Result<i64> {
    let seq = row.get(0)?;
    let text = |column: usize| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
    let content = Row {
        seq,
        at: row.get(1)?,
        actor_user_id: text(2)?,
        account_id: text(3)?,
        action: text(4)?.unwrap_or_default(),
        target: text(5)?,
        request_id: text(6)?,
        outcome: text(7)?.unwrap_or_default(),
    };
    let recorded = match (row.get::<_, Option<Hash>>(8)?, row.get::<_, Option<Hash>>(9)?) {
        (Some(prev), Some(hash)) => Some((prev, hash)),
        (None, None) => None,
        _ => bail!("row {seq} is sealed by half: one of its two hashes is missing"),
    };
    verifier.row(&content, recorded)?;
    Ok(seq)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sam_domain::audit::{GENESIS, seal};
    use tempfile::TempDir;

    /// A log of four sealed rows and one that is not sealed yet, in the real schema.
    fn log() -> (TempDir, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let database = Connection::open(dir.path().join("default.db")).unwrap();
        database
            .execute_batch(include_str!("../../migrations/default/0001_core.sql"))
            .unwrap();
        let mut prev = GENESIS;
        for seq in 1..=5_i64 {
            let actor = (seq % 2 == 0).then_some("01u");
            let row = Row {
                seq,
                at: seq * 1000,
                actor_user_id: actor,
                account_id: None,
                action: "auth.login",
                target: Some("t"),
                request_id: None,
                outcome: "done",
            };
            let hash = seal(&prev, &row);
            let hashes = (seq < 5).then_some((prev, hash)).unzip();
            prev = hash;
            let sql = "INSERT INTO audit_log (seq, at, actor_user_id, action, target, outcome, prev_hash, hash) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let values = (
                seq,
                row.at,
                row.actor_user_id,
                row.action,
                row.target,
                row.outcome,
                hashes.0,
                hashes.1,
            );
            database.execute(sql, values).unwrap();
        }
        (dir, database)
    }

    #[test]
    fn tampering_is_named() {
        let cases = [
            ("", None),
            (
                "UPDATE audit_log SET outcome = 'refused' WHERE seq = 2",
                Some("row 2 was changed"),
            ),
            (
                "UPDATE audit_log SET actor_user_id = '' WHERE seq = 1",
                Some("row 1 was changed"),
            ),
            (
                "DELETE FROM audit_log WHERE seq = 2",
                Some("rows before 3 were removed"),
            ),
            (
                "DELETE FROM audit_log WHERE seq = 5",
                Some("the newest rows were removed"),
            ),
            ("UPDATE audit_log SET hash = NULL WHERE seq = 4", Some("sealed by half")),
            (
                "UPDATE audit_log SET hash = NULL, prev_hash = NULL WHERE seq = 3",
                Some("row 3 is unsealed"),
            ),
        ];
        for (sql, expect) in cases {
            let (dir, database) = log();
            database.execute_batch(sql).unwrap();
            let result = verify(&dir.path().join("default.db"));
            match expect {
                None => {
                    let sound = result.unwrap();
                    assert_eq!((sound.sealed, sound.unsealed), (4, 1));
                }
                Some(expect) => {
                    let error = format!("{:#}", result.unwrap_err());
                    assert!(error.contains(expect), "{sql}: {error}");
                }
            }
        }
    }

    #[test]
    fn an_unreadable_log_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let error = verify(&dir.path().join("default.db")).unwrap_err().to_string();
        assert!(error.contains("cannot be read"), "{error}");
    }
}
