//! The hash chain of the audit log.
//!
//! Each sealed row has `prev_hash` (the `hash` of the sealed row before it, zeroes for the first) and
//!
//! ```text
//! hash = SHA-256( "sam-audit-1" ‖ prev_hash ‖ seq ‖ at ‖ field* )
//! field = 0x00                              for NULL
//!       | 0x01 ‖ length (u32, big endian) ‖ UTF-8 bytes
//! ```
//!
//! with `seq` and `at` as 64-bit big endian and the fields `actor_user_id, account_id, action, target, request_id,
//! outcome` in this order. Lengths make every row's text unambiguous. Rows are sealed in the order of `seq`, so a row that
//! is changed, removed or put between others breaks the chain at the row after it; the newest rows may be unsealed
//! for a second or two. `sam-host audit verify` checks it with [`Verifier`].

use sha2::{Digest, Sha256};

/// A link of the chain.
pub type Hash = [u8; 32];

/// What the first row follows.
pub const GENESIS: Hash = [0; 32];

/// Keeps these hashes apart from any other use of SHA-256 over similar bytes.
const DOMAIN: &[u8] = b"sam-audit-1";

/// The sealed part of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// Place in the log.
    pub seq: i64,
    /// When, in epoch milliseconds.
    pub at: i64,
    /// Who.
    pub actor_user_id: Option<&'a str>,
    /// In which account.
    pub account_id: Option<&'a str>,
    /// What.
    pub action: &'a str,
    /// On what.
    pub target: Option<&'a str>,
    /// In which request.
    pub request_id: Option<&'a str>,
    /// How it ended.
    pub outcome: &'a str,
}

/// The hash of a row that follows `prev`.
pub fn seal(prev: &Hash, row: &Row<'_>) -> Hash {
    let mut hash = Sha256::new();
    hash.update(DOMAIN);
    hash.update(prev);
    hash.update(row.seq.to_be_bytes());
    hash.update(row.at.to_be_bytes());
    let fields = [
        row.actor_user_id,
        row.account_id,
        Some(row.action),
        row.target,
        row.request_id,
        Some(row.outcome),
    ];
    for field in fields {
        match field {
            None => hash.update([0]),
            Some(text) => {
                hash.update([1]);
                hash.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
                hash.update(text.as_bytes());
            }
        }
    }
    hash.finalize().into()
}

/// Where and how the chain is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The row's content does not have the recorded hash.
    #[error("row {seq} was changed: its content does not have the recorded hash")]
    Changed {
        /// The row.
        seq: i64,
    },
    /// The row does not follow the sealed row before it.
    #[error("rows before {seq} were removed, added or changed: it does not follow row {after}")]
    Unlinked {
        /// The row.
        seq: i64,
        /// The sealed row before it; 0 for none.
        after: i64,
    },
    /// An unsealed row lies before a sealed one: sealing goes in order, so it was put there later.
    #[error("row {seq} is unsealed but row {sealed} after it is sealed")]
    Inserted {
        /// The unsealed row.
        seq: i64,
        /// The sealed row after it.
        sealed: i64,
    },
    /// Rows were given out of order.
    #[error("row {seq} came after row {after}: read the log in the order of `seq`")]
    Disordered {
        /// The row.
        seq: i64,
        /// The one before it.
        after: i64,
    },
}

/// Checks a log that is fed in the order of `seq`.
#[derive(Debug, Clone)]
pub struct Verifier {
    tip: Hash,
    sealed_seq: i64,
    last_seq: i64,
    sealed: u64,
    unsealed_from: Option<i64>,
    unsealed: u64,
}

impl Default for Verifier {
    fn default() -> Self {
        Self {
            tip: GENESIS,
            sealed_seq: 0,
            last_seq: 0,
            sealed: 0,
            unsealed_from: None,
            unsealed: 0,
        }
    }
}

/// A sound log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sound {
    /// Rows in the chain.
    pub sealed: u64,
    /// Newest rows that are not in it yet.
    pub unsealed: u64,
    /// The newest link: kept elsewhere, it proves later that nothing up to here was changed or cut off.
    pub tip: Hash,
}

impl Verifier {
    /// Takes the next row with its recorded `(prev_hash, hash)`, none while unsealed.
    ///
    /// # Errors
    /// The first break of the chain.
    pub fn row(&mut self, row: &Row<'_>, recorded: Option<(Hash, Hash)>) -> Result<(), Broken> {
        let seq = row.seq;
        if seq <= self.last_seq {
            return Err(Broken::Disordered {
                seq,
                after: self.last_seq,
            });
        }
        self.last_seq = seq;
        let Some((prev, hash)) = recorded else {
            self.unsealed_from.get_or_insert(seq);
            self.unsealed += 1;
            return Ok(());
        };
        if let Some(unsealed) = self.unsealed_from {
            return Err(Broken::Inserted {
                seq: unsealed,
                sealed: seq,
            });
        }
        if prev != self.tip {
            return Err(Broken::Unlinked {
                seq,
                after: self.sealed_seq,
            });
        }
        if seal(&prev, row) != hash {
            return Err(Broken::Changed { seq });
        }
        self.tip = hash;
        self.sealed_seq = seq;
        self.sealed += 1;
        Ok(())
    }

    /// The end of the log.
    pub fn finish(self) -> Sound {
        Sound {
            sealed: self.sealed,
            unsealed: self.unsealed,
            tip: self.tip,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: Row<'static> = Row {
        seq: 1,
        at: 1_767_225_600_000,
        actor_user_id: Some("u"),
        account_id: None,
        action: "auth.login",
        target: None,
        request_id: Some("r"),
        outcome: "done",
    };

    type Recorded = (Row<'static>, Option<(Hash, Hash)>);

    fn chain(n: i64) -> Vec<Recorded> {
        let mut prev = GENESIS;
        let link = |seq| {
            let row = Row { seq, ..ROW };
            let hash = seal(&prev, &row);
            let recorded = (row, Some((prev, hash)));
            prev = hash;
            recorded
        };
        (1..=n).map(link).collect()
    }

    fn verify(rows: &[Recorded]) -> Result<(u64, u64), Broken> {
        let mut verifier = Verifier::default();
        rows.iter()
            .try_for_each(|(row, recorded)| verifier.row(row, *recorded))?;
        let sound = verifier.finish();
        Ok((sound.sealed, sound.unsealed))
    }

    fn check(change: impl FnOnce(&mut Vec<Recorded>), expect: &Result<(u64, u64), Broken>) {
        let mut rows = chain(5);
        change(&mut rows);
        assert_eq!(&verify(&rows), expect);
    }

    #[test]
    fn every_tampering_is_found() {
        check(|_| {}, &Ok((5, 0)));
        check(|rows| rows.truncate(0), &Ok((0, 0)));
        check(|rows| rows[4].1 = None, &Ok((4, 1)));
        check(|rows| rows[2].0.outcome = "refused", &Err(Broken::Changed { seq: 3 }));
        check(|rows| rows[2].0.at += 1, &Err(Broken::Changed { seq: 3 }));
        check(|rows| rows[2].0.target = Some(""), &Err(Broken::Changed { seq: 3 }));
        check(|rows| _ = rows.remove(2), &Err(Broken::Unlinked { seq: 4, after: 2 }));
        check(|rows| _ = rows.remove(0), &Err(Broken::Unlinked { seq: 2, after: 0 }));
        check(|rows| rows[1].1 = None, &Err(Broken::Inserted { seq: 2, sealed: 3 }));
        check(|rows| rows.swap(1, 2), &Err(Broken::Unlinked { seq: 3, after: 1 }));
        check(|rows| rows[4].0.seq = 4, &Err(Broken::Disordered { seq: 4, after: 4 }));
    }

    #[test]
    fn fields_cannot_be_shifted_into_each_other() {
        let moved = [
            Row {
                actor_user_id: None,
                account_id: Some("u"),
                ..ROW
            },
            Row {
                action: "auth.logi",
                target: Some("n"),
                ..ROW
            },
            Row {
                actor_user_id: Some("u\0"),
                ..ROW
            },
        ];
        for row in moved {
            assert_ne!(seal(&GENESIS, &row), seal(&GENESIS, &ROW), "{row:?}");
        }
    }

    /// The format is stored in every installation: this value never changes.
    #[test]
    fn the_format_is_frozen() {
        let hex: String = seal(&GENESIS, &ROW).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "5f9e66b73926dcfd619835a0bf9d700d61b15843283771b248ae83793069b1a0");
    }
}
