//! The token that each request carries, see `contract::agent::auth`.

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use sam_contract::agent::auth::{Claims, TOKEN_S, TYP};
use sam_contract::ids::NodeId;

/// The `Authorization` header for one request. `path` is without the query.
pub(crate) fn authorization(key: &SigningKey, node: NodeId, method: &str, path: &str, now_ms: i64) -> String {
    let iat = now_ms / 1000;
    let claims = Claims {
        sub: node,
        iat,
        exp: iat + TOKEN_S,
        htm: method.to_owned(),
        htp: path.to_owned(),
    };
    let header = serde_json::json!({ "alg": "EdDSA", "typ": TYP });
    let claims = serde_json::to_vec(&claims).unwrap_or_default();
    let mut token = Base64UrlUnpadded::encode_string(header.to_string().as_bytes());
    token.push('.');
    token.push_str(&Base64UrlUnpadded::encode_string(&claims));
    let signature = key.sign(token.as_bytes());
    token.push('.');
    token.push_str(&Base64UrlUnpadded::encode_string(&signature.to_bytes()));
    format!("Bearer {token}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signature, Verifier};
    use sam_contract::ids::Id;

    #[test]
    fn a_token_says_what_it_is_for_and_verifies() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let node = NodeId::from_parts(1_000, 1);
        let header = authorization(&key, node, "PUT", "/api/agent/v1/observed", 12_345_678);
        let token = header.strip_prefix("Bearer ").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = Base64UrlUnpadded::decode_vec(signature).unwrap();
        let signature = Signature::from_slice(&signature).unwrap();
        assert!(key.verifying_key().verify(signed.as_bytes(), &signature).is_ok());
        let claims = Base64UrlUnpadded::decode_vec(signed.split_once('.').unwrap().1).unwrap();
        let claims: Claims = serde_json::from_slice(&claims).unwrap();
        assert_eq!((claims.iat, claims.exp, claims.sub), (12_345, 12_405, node));
        assert_eq!(
            (claims.htm.as_str(), claims.htp.as_str()),
            ("PUT", "/api/agent/v1/observed")
        );
    }
}
