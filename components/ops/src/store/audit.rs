//! The audit log: reading it, and sealing its rows into the chain.

use sam_contract::audit::{AuditAction, AuditOutcome};
use sam_contract::http::admin::{AuditEntry, AuditQuery};
use sam_domain::audit::{GENESIS, Hash, Row as Sealable, seal};
use sam_kit::db::{Db, DbError, Row};
use sam_kit::params;
use serde_json::json;

/// A page, newest first, with one row more than `rows` when there is a next page.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &impl Db, query: &AuditQuery, before: i64, rows: u32) -> Result<Vec<AuditEntry>, DbError> {
    let sql = "SELECT a.seq, a.at, a.actor_user_id, u.name AS actor_name, a.account_id, a.action, a.target,
            a.request_id, a.outcome, a.hash IS NOT NULL AS sealed
        FROM audit_log a LEFT JOIN users u ON u.id = a.actor_user_id
        WHERE a.seq < ?1 AND (?2 IS NULL OR a.actor_user_id = ?2) AND (?3 IS NULL OR a.action = ?3)
        ORDER BY a.seq DESC LIMIT ?4";
    let action = query.action.map(AuditAction::as_str);
    let found = db
        .query(sql, params![before, query.actor, action, rows.saturating_add(1)])
        .await?;
    found.iter().map(entry).collect()
}

fn entry(row: &Row) -> Result<AuditEntry, DbError> {
    let outcomes = [AuditOutcome::Done, AuditOutcome::Refused, AuditOutcome::Failed];
    Ok(AuditEntry {
        seq: row.get("seq")?,
        at: row.get("at")?,
        actor_user_id: row.parse_opt("actor_user_id")?,
        actor_name: row.get("actor_name")?,
        account_id: row.parse_opt("account_id")?,
        action: row.decode("action", |text| {
            AuditAction::ALL.iter().copied().find(|a| a.as_str() == text)
        })?,
        target: row.get("target")?,
        request_id: row.parse_opt("request_id")?,
        outcome: row.decode("outcome", |text| outcomes.into_iter().find(|o| o.as_str() == text))?,
        sealed: row.get("sealed")?,
    })
}

/// The end of the chain, and the oldest rows after it.
const UNSEALED: &str = "SELECT seq, at, actor_user_id, account_id, action, target, request_id, outcome,
        (SELECT hash FROM audit_log WHERE hash IS NOT NULL ORDER BY seq DESC LIMIT 1) AS tip
    FROM audit_log WHERE hash IS NULL ORDER BY seq LIMIT ?1";

/// Writes the hashes of a batch. Rows never change, so two sealers at once compute the same hashes, and it does not
/// matter which of them writes a row.
const SEAL: &str = "UPDATE audit_log SET prev_hash = unhex(link.prev), hash = unhex(link.hash)
    FROM (SELECT value ->> 'seq' AS seq, value ->> 'prev' AS prev, value ->> 'hash' AS hash FROM json_each(?1)) AS link
    WHERE audit_log.seq = link.seq AND audit_log.hash IS NULL
    RETURNING audit_log.seq";

/// Seals up to `rows` rows, oldest first, in one statement. Gives how many it found unsealed.
///
/// # Errors
/// When the database fails.
pub async fn seal_batch(db: &impl Db, rows: u32) -> Result<usize, DbError> {
    let found = db.query(UNSEALED, params![rows]).await?;
    let Some(first) = found.first() else { return Ok(0) };
    let tip: Option<Hash> = first.get("tip")?;
    let mut prev = tip.unwrap_or(GENESIS);
    let mut links = Vec::with_capacity(found.len());
    for row in &found {
        let hash = seal_row(&prev, row)?;
        links.push(json!({ "seq": row.get::<i64>("seq")?, "prev": hex(&prev), "hash": hex(&hash) }));
        prev = hash;
    }
    db.query(SEAL, params![json!(links).to_string()]).await?;
    Ok(found.len())
}

fn seal_row(prev: &Hash, row: &Row) -> Result<Hash, DbError> {
    let text = |column| row.get::<Option<String>>(column);
    let (actor, account, target, request) = (
        text("actor_user_id")?,
        text("account_id")?,
        text("target")?,
        text("request_id")?,
    );
    let (action, outcome) = (row.get::<String>("action")?, row.get::<String>("outcome")?);
    let sealable = Sealable {
        seq: row.get("seq")?,
        at: row.get("at")?,
        actor_user_id: actor.as_deref(),
        account_id: account.as_deref(),
        action: &action,
        target: target.as_deref(),
        request_id: request.as_deref(),
        outcome: &outcome,
    };
    Ok(seal(prev, &sealable))
}

fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
