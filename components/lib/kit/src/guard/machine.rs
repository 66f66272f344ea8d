//! Machines: each request of an agent carries a token that the agent signed with its own key (`contract::agent::auth`).
//!
//! The token is for one method and one path and lives a minute, so that it is worth little to whoever finds it. A
//! refusal tells our clock: an agent whose clock is wrong signs again with the difference.

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signature, VerifyingKey};
use sam_contract::agent::auth::{Claims, Refused, TOKEN_S, TOLERANCE_S, TYP};
use serde::Deserialize;
use serde_json::json;

use super::{Knock, NodePrincipal, credential, unauthorized};
use crate::db::Db;
use crate::error::ApiError;
use crate::params;

/// Longest token that is looked at: its claims are a few short fields.
const TOKEN_BYTES_MAX: usize = 2_048;

const NODE: &str = "SELECT account_id, public_key, status, epoch FROM nodes WHERE id = ?1";

/// Why a machine was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("Send a token of the kind `{TYP}`, signed by the key of an enrolled machine.")]
    NotAToken,
    #[error("No machine with this key is known here.")]
    Unknown,
    #[error("The token is for another request than this one.")]
    OtherRequest,
    #[error("The token is not valid at this time: sign it anew with the server's clock.")]
    OutOfTime,
    #[error("This node was deleted.")]
    Gone,
}

impl Refusal {
    pub(super) fn explain(self, now: i64) -> ApiError {
        let refused = Refused {
            server_time: now,
            gone: self == Self::Gone,
        };
        unauthorized(&self.to_string()).with_details(json!(refused))
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
}

/// A token, taken apart, not yet believed.
struct Token<'a> {
    claims: Claims,
    signed: &'a [u8],
    signature: Signature,
}

/// The machine that signed the token of a request.
pub(super) async fn find(db: &impl Db, knock: &Knock<'_>) -> Result<Result<NodePrincipal, Refusal>, ApiError> {
    let Some(token) = credential::bearer(knock.headers).and_then(parse) else {
        return Ok(Err(Refusal::NotAToken));
    };
    let node_id = token.claims.sub;
    let Some(row) = db.row(NODE, params![node_id]).await? else {
        return Ok(Err(Refusal::Unknown));
    };
    let key: Option<[u8; 32]> = row.get("public_key")?;
    // Before anything else is said about the node: only whoever has its key may hear it.
    if !key.is_some_and(|key| is_signed_by(&key, token.signed, &token.signature)) {
        return Ok(Err(Refusal::Unknown));
    }
    if let Err(refusal) = check(&token.claims, knock) {
        return Ok(Err(refusal));
    }
    if row.get::<String>("status")? == "deleted" {
        return Ok(Err(Refusal::Gone));
    }
    Ok(Ok(NodePrincipal {
        node_id,
        account_id: row.parse("account_id")?,
        epoch: row.get("epoch")?,
    }))
}

fn parse(token: &str) -> Option<Token<'_>> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let decode = |part: &str| Base64UrlUnpadded::decode_vec(part).ok();
    let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
    if header.alg != "EdDSA" || header.typ != TYP {
        return None;
    }
    Some(Token {
        claims: serde_json::from_slice(&decode(claims)?).ok()?,
        signed: signed.as_bytes(),
        signature: Signature::from_slice(&decode(signature)?).ok()?,
    })
}

fn is_signed_by(key: &[u8; 32], message: &[u8], signature: &Signature) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|key| key.verify_strict(message, signature).is_ok())
}

fn check(claims: &Claims, knock: &Knock<'_>) -> Result<(), Refusal> {
    if claims.htm != knock.method.as_str() || claims.htp != knock.path {
        return Err(Refusal::OtherRequest);
    }
    let now_s = knock.now.div_euclid(1_000);
    let lives = claims.exp.saturating_sub(claims.iat);
    let begun = claims.iat.saturating_sub(TOLERANCE_S) <= now_s;
    let over = claims.exp.saturating_add(TOLERANCE_S) < now_s;
    if (0..=TOKEN_S).contains(&lives) && begun && !over {
        Ok(())
    } else {
        Err(Refusal::OutOfTime)
    }
}

/// The bytes of a public key as an agent sends it; none when no signature of it could be believed.
pub fn public_key(text: &str) -> Option<[u8; 32]> {
    let bytes: [u8; 32] = Base64UrlUnpadded::decode_vec(text).ok()?.try_into().ok()?;
    let key = VerifyingKey::from_bytes(&bytes).ok()?;
    (!key.is_weak()).then_some(bytes)
}
