//! Signed tokens: compact JWS (RFC 7515) with Ed25519, and the public keys as a JSON Web Key Set.
//!
//! Only what we sign ourselves is accepted: `alg` must be EdDSA and `typ` the purpose the caller expects, so
//! neither an algorithm of the attacker's choice nor a token of another use gets through. Time claims are the
//! caller's business; this module has no clock.

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signature, Signer, SigningKey};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::keyring::Keys;

/// Longer tokens are refused unread. Ours are a few hundred bytes.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Why a token could not be signed or verified.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JwsError {
    /// The claims to sign are not a JSON object.
    #[error("the claims are not a JSON object: {0}")]
    Claims(String),
    /// Not a compact JWS of ours.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// `typ` names another use.
    #[error("the token is for {0:?}")]
    WrongPurpose(String),
    /// `kid` is not in the ring.
    #[error("the token is signed with key {0:?}, which is not in the ring")]
    UnknownKey(String),
    /// The signature does not fit.
    #[error("the signature does not belong to the token")]
    Refused,
}

/// Signs `claims` (a JSON object) with the active key.
///
/// # Errors
/// [`JwsError::Claims`].
pub fn sign(keys: &Keys<SigningKey>, purpose: &str, claims: &str) -> Result<String, JwsError> {
    let claims: Map<String, Value> =
        serde_json::from_str(claims).map_err(|error| JwsError::Claims(error.to_string()))?;
    let (kid, key) = keys.active();
    let header = json!({"alg": "EdDSA", "kid": kid, "typ": purpose});
    let encode = |value: String| Base64UrlUnpadded::encode_string(value.as_bytes());
    let signed = format!(
        "{}.{}",
        encode(header.to_string()),
        encode(Value::Object(claims).to_string())
    );
    let signature = Base64UrlUnpadded::encode_string(&key.sign(signed.as_bytes()).to_bytes());
    Ok(format!("{signed}.{signature}"))
}

/// The claims of a token that a key of the ring has signed for this purpose.
///
/// # Errors
/// All of [`JwsError`] but `Claims`.
pub fn verify(keys: &Keys<SigningKey>, purpose: &str, token: &str) -> Result<String, JwsError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(JwsError::Malformed("longer than 8 KiB"));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(JwsError::Malformed("no signature part"))?;
    let (header, claims) = signed.split_once('.').ok_or(JwsError::Malformed("no claims part"))?;
    let header: Value = decode(header)
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or(JwsError::Malformed("the header is not base64url JSON"))?;
    let text = |name: &str| header.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("alg") != "EdDSA" {
        return Err(JwsError::Malformed("`alg` is not EdDSA"));
    }
    if header.get("crit").is_some() {
        return Err(JwsError::Malformed("`crit` asks for an extension that is not offered"));
    }
    if text("typ") != purpose {
        return Err(JwsError::WrongPurpose(text("typ").to_owned()));
    }
    let key = keys
        .find(text("kid"))
        .ok_or_else(|| JwsError::UnknownKey(text("kid").to_owned()))?;
    let signature = decode(signature)
        .and_then(|bytes| Signature::from_slice(&bytes).ok())
        .ok_or(JwsError::Malformed("the signature is not 64 bytes as base64url"))?;
    key.verifying_key()
        .verify_strict(signed.as_bytes(), &signature)
        .map_err(|_| JwsError::Refused)?;
    decode(claims)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or(JwsError::Malformed("the claims are not base64url text"))
}

/// The public keys (RFC 8037), the active one first.
#[must_use]
pub fn jwks(keys: &Keys<SigningKey>) -> String {
    let keys = keys.iter().map(|(kid, key)| {
        let x = Base64UrlUnpadded::encode_string(key.verifying_key().as_bytes());
        json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x})
    });
    json!({"keys": keys.collect::<Vec<_>>()}).to_string()
}

fn decode(part: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(part).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::KeyRing;

    /// A ring whose key `sN` has a seed of 32 bytes of N; the last one named is active.
    fn ring(ids: &[u8]) -> KeyRing {
        let material = |n: u8| Base64UrlUnpadded::encode_string(&[n; 32]);
        let sign: Vec<_> = ids
            .iter()
            .map(|n| {
                let active = Some(n) == ids.last();
                format!(r#"{{"id":"s{n}","seed":"{}","active":{active}}}"#, material(*n))
            })
            .collect();
        let seal = format!(r#"{{"id":"k1","key":"{}","active":true}}"#, material(9));
        KeyRing::parse(&format!(r#"{{"seal":[{seal}],"sign":[{}]}}"#, sign.join(","))).unwrap()
    }

    fn encode(text: &str) -> String {
        Base64UrlUnpadded::encode_string(text.as_bytes())
    }

    #[test]
    fn what_was_signed_verifies() {
        let ring = ring(&[1]);
        for claims in [
            "{}",
            r#"{"sub":"01j","exp":1}"#,
            r#"{"name":"Zoë \"Z\"","n":[1,2,{"a":null}]}"#,
        ] {
            let token = sign(ring.sign(), "ticket", claims).unwrap();
            let back = verify(ring.sign(), "ticket", &token).unwrap();
            assert_eq!(
                serde_json::from_str::<Value>(&back).unwrap(),
                serde_json::from_str::<Value>(claims).unwrap()
            );
        }
    }

    #[test]
    fn claims_are_an_object() {
        let ring = ring(&[1]);
        for claims in ["", "[]", "1", "{", "null"] {
            assert!(
                matches!(sign(ring.sign(), "ticket", claims), Err(JwsError::Claims(_))),
                "{claims}"
            );
        }
    }

    #[test]
    fn foreign_tokens_are_refused() {
        let ring = ring(&[1]);
        let token = sign(ring.sign(), "ticket", r#"{"sub":"a"}"#).unwrap();
        let [header, claims, signature]: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let with_header = |header: &str| format!("{}.{claims}.{signature}", encode(header));
        let check =
            |token: &str, expect: JwsError| assert_eq!(verify(ring.sign(), "ticket", token), Err(expect), "{token}");
        check("", JwsError::Malformed("no signature part"));
        check("a.b", JwsError::Malformed("no claims part"));
        check(
            &"a".repeat(TOKEN_BYTES_MAX + 1),
            JwsError::Malformed("longer than 8 KiB"),
        );
        check(
            &format!("%%.{claims}.{signature}"),
            JwsError::Malformed("the header is not base64url JSON"),
        );
        check(
            &with_header(r#"{"alg":"none","kid":"s1","typ":"ticket"}"#),
            JwsError::Malformed("`alg` is not EdDSA"),
        );
        check(
            &with_header(r#"{"alg":"HS256","kid":"s1","typ":"ticket"}"#),
            JwsError::Malformed("`alg` is not EdDSA"),
        );
        check(
            &with_header(r#"{"alg":"EdDSA","kid":"s1","typ":"ticket","crit":["b64"]}"#),
            JwsError::Malformed("`crit` asks for an extension that is not offered"),
        );
        check(
            &with_header(r#"{"alg":"EdDSA","kid":"s7","typ":"ticket"}"#),
            JwsError::UnknownKey("s7".to_owned()),
        );
        check(
            &with_header(r#"{"alg":"EdDSA","kid":"s1","typ":"node"}"#),
            JwsError::WrongPurpose("node".to_owned()),
        );
        check(
            &format!("{header}.{claims}."),
            JwsError::Malformed("the signature is not 64 bytes as base64url"),
        );
        check(
            &format!("{header}.{}.{signature}", encode(r#"{"sub":"b"}"#)),
            JwsError::Refused,
        );
        check(
            &with_header(r#"{"typ":"ticket","alg":"EdDSA","kid":"s1"}"#),
            JwsError::Refused,
        );
    }

    #[test]
    fn rotation_keeps_old_tokens_until_the_key_is_removed() {
        let (before, overlap, after) = (ring(&[1]), ring(&[1, 2]), ring(&[2]));
        let old = sign(before.sign(), "ticket", "{}").unwrap();
        let new = sign(overlap.sign(), "ticket", "{}").unwrap();
        assert!(verify(overlap.sign(), "ticket", &old).is_ok());
        assert!(verify(overlap.sign(), "ticket", &new).is_ok());
        assert!(verify(after.sign(), "ticket", &new).is_ok());
        assert_eq!(
            verify(after.sign(), "ticket", &old),
            Err(JwsError::UnknownKey("s1".to_owned()))
        );
        let ids = |ring: &KeyRing| {
            let set: Value = serde_json::from_str(&jwks(ring.sign())).unwrap();
            let keys = set["keys"].as_array().unwrap().clone();
            keys.iter()
                .map(|key| key["kid"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&before), ["s1"]);
        assert_eq!(ids(&overlap), ["s2", "s1"]);
        assert_eq!(ids(&after), ["s2"]);
    }

    /// The key of RFC 8037, appendix A, so that an outside party's library agrees with ours.
    #[test]
    fn the_key_set_is_that_of_the_rfc() {
        let seal = Base64UrlUnpadded::encode_string(&[1; 32]);
        let json = format!(
            r#"{{"seal":[{{"id":"k","key":"{seal}","active":true}}],
                "sign":[{{"id":"s","seed":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","active":true}}]}}"#
        );
        let set: Value = serde_json::from_str(&jwks(KeyRing::parse(&json).unwrap().sign())).unwrap();
        assert_eq!(set["keys"][0]["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert!(set["keys"][0].get("d").is_none(), "the private part stays here");
    }
}
