//! Sealing anew after a rotation, with the vault's own envelopes against SQLite.
#![cfg(test)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

use futures::executor::block_on;
use sam_domain::sealed::SealedColumn;
use sam_kit::db::Db;
use sam_kit::error::ApiError;
use sam_kit::jobs::Done;
use sam_kit::native::NativeDb;
use sam_kit::params;
use sam_kit::seal::{Sealer, reseal_columns};
use sam_vault::envelope::{self, Context};
use sam_vault::keyring::KeyRing;

const COLUMN: SealedColumn = SealedColumn {
    table: "things",
    id: "id",
    column: "secret",
    component: "test",
};

/// The vault's inner part, with a ring that can be exchanged.
struct Vault {
    ring: Mutex<KeyRing>,
    nonce: AtomicU8,
}

/// A ring of the keys `kN`, 32 bytes of N each; the last one is active.
fn ring(ids: &[char]) -> KeyRing {
    let key = |c: char| c.to_string().repeat(43);
    let seal: Vec<_> = ids
        .iter()
        .map(|c| {
            format!(
                r#"{{"id":"k{c}","key":"{}","active":{}}}"#,
                key(*c),
                Some(c) == ids.last()
            )
        })
        .collect();
    let sign = format!(r#"{{"id":"s","seed":"{}","active":true}}"#, key('A'));
    KeyRing::parse(&format!(r#"{{"seal":[{}],"sign":[{sign}]}}"#, seal.join(","))).unwrap()
}

impl Vault {
    fn new(ids: &[char]) -> Self {
        Self {
            ring: Mutex::new(ring(ids)),
            nonce: AtomicU8::new(0),
        }
    }

    fn rotate(&self, ids: &[char]) {
        *self.ring.lock().unwrap() = ring(ids);
    }
}

fn place<'a>(column: &'a SealedColumn, row: &'a str) -> Context<'a> {
    Context {
        table: column.table,
        row,
        column: column.column,
    }
}

impl Sealer for Vault {
    async fn seal(&self, column: &SealedColumn, row: &str, plaintext: Vec<u8>) -> Result<Vec<u8>, ApiError> {
        let nonce = [self.nonce.fetch_add(1, Ordering::Relaxed); 12];
        let ring = self.ring.lock().unwrap();
        Ok(envelope::seal(ring.seal(), place(column, row), nonce, &plaintext).unwrap())
    }

    async fn open(&self, column: &SealedColumn, row: &str, envelope: Vec<u8>) -> Result<Vec<u8>, ApiError> {
        let ring = self.ring.lock().unwrap();
        envelope::open(ring.seal(), place(column, row), &envelope)
            .map_err(|error| ApiError::internal(error.to_string()))
    }
}

fn table() -> NativeDb {
    let db = NativeDb::open().unwrap();
    let sql = "CREATE TABLE things (id TEXT PRIMARY KEY, secret BLOB) STRICT";
    block_on(db.query(sql, params![])).unwrap();
    db
}

fn insert(db: &NativeDb, id: &str, envelope: Option<Vec<u8>>) {
    let sql = "INSERT INTO things (id, secret) VALUES (?1, ?2)";
    block_on(db.query(sql, params![id, envelope])).unwrap();
}

fn store(db: &NativeDb, vault: &Vault, id: &str, plaintext: &str) {
    let envelope = block_on(vault.seal(&COLUMN, id, plaintext.as_bytes().to_vec())).unwrap();
    insert(db, id, Some(envelope));
}

fn stored(db: &NativeDb, id: &str) -> Vec<u8> {
    let row = block_on(db.row("SELECT secret FROM things WHERE id = ?1", params![id])).unwrap();
    row.unwrap().get("secret").unwrap()
}

fn opened(db: &NativeDb, vault: &Vault, id: &str) -> Result<String, String> {
    block_on(vault.open(&COLUMN, id, stored(db, id)))
        .map(|plaintext| String::from_utf8(plaintext).unwrap())
        .map_err(|error| error.internal.unwrap())
}

/// Runs the job until it is done for now.
fn reseal(db: &NativeDb, vault: &Vault) -> Result<u32, String> {
    for runs in 1.. {
        match block_on(reseal_columns(db, vault, &[COLUMN])) {
            Ok(Done::AgainIn(0)) => {}
            Ok(Done::AgainIn(_)) => return Ok(runs),
            Ok(Done::Finished) => panic!("a recurring job ended"),
            Err(error) => return Err(error.internal.unwrap()),
        }
    }
    unreachable!()
}

#[test]
fn after_a_rotation_every_value_opens_with_the_new_key_alone() {
    let (db, vault) = (table(), Vault::new(&['E']));
    for n in 0..2_345 {
        store(&db, &vault, &format!("row{n:05}"), &format!("secret {n}"));
    }
    insert(&db, "unset", None);
    vault.rotate(&['E', 'I']);
    store(&db, &vault, "fresh", "already new");
    let fresh = stored(&db, "fresh");
    assert_eq!(reseal(&db, &vault), Ok(3), "a run ends in time and the next goes on");
    vault.rotate(&['I']);
    for n in 0..2_345 {
        let id = format!("row{n:05}");
        assert_eq!(opened(&db, &vault, &id), Ok(format!("secret {n}")), "{id}");
    }
    assert_eq!(stored(&db, "fresh"), fresh, "what has the active key is left alone");
    let before = db.statements();
    assert_eq!(reseal(&db, &vault), Ok(1));
    assert_eq!(db.statements() - before, 1, "with nothing to do it is one look");
}

#[test]
fn a_value_that_does_not_open_is_kept_and_reported_and_stops_no_other() {
    let (db, vault) = (table(), Vault::new(&['E']));
    for id in ["a", "b", "c"] {
        store(&db, &vault, id, id);
    }
    let moved = stored(&db, "a");
    block_on(db.query("UPDATE things SET secret = ?1 WHERE id = 'b'", params![moved.clone()])).unwrap();
    vault.rotate(&['E', 'I']);
    let cause = reseal(&db, &vault).unwrap_err();
    assert!(cause.starts_with("1 sealed values do not open"), "{cause}");
    assert_eq!(stored(&db, "b"), moved);
    vault.rotate(&['I']);
    assert_eq!(opened(&db, &vault, "a"), Ok("a".to_owned()));
    assert_eq!(opened(&db, &vault, "c"), Ok("c".to_owned()));
}

/// Changes the row as another request would, between reading and writing.
struct Meanwhile<'a> {
    vault: &'a Vault,
    db: &'a NativeDb,
}

impl Sealer for Meanwhile<'_> {
    async fn seal(&self, column: &SealedColumn, row: &str, plaintext: Vec<u8>) -> Result<Vec<u8>, ApiError> {
        if !row.is_empty() {
            let newer = self.vault.seal(column, row, b"newer".to_vec()).await?;
            self.db
                .query("UPDATE things SET secret = ?1 WHERE id = ?2", params![newer, row])
                .await?;
        }
        self.vault.seal(column, row, plaintext).await
    }

    async fn open(&self, column: &SealedColumn, row: &str, envelope: Vec<u8>) -> Result<Vec<u8>, ApiError> {
        self.vault.open(column, row, envelope).await
    }
}

#[test]
fn a_value_that_changes_meanwhile_wins() {
    let (db, vault) = (table(), Vault::new(&['E']));
    store(&db, &vault, "a", "older");
    vault.rotate(&['E', 'I']);
    let meanwhile = Meanwhile { vault: &vault, db: &db };
    block_on(reseal_columns(&db, &meanwhile, &[COLUMN])).unwrap();
    assert_eq!(opened(&db, &vault, "a"), Ok("newer".to_owned()));
}
