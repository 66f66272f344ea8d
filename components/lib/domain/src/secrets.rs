//! The secrets that people and scripts present: session cookies, one-time links, API tokens.
//!
//! All are 256 random bits as base64url, so only their SHA-256 is stored: with that much entropy a fast hash is
//! as good as a slow one, and a look-up by hash leaks no timing about the secret.

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

/// Random bytes of a secret.
pub const SECRET_BYTES: usize = 32;

/// Starts every API token, so that people and leak scanners recognise one.
pub const API_TOKEN_PREFIX: &str = "sam_";

/// Characters of an API token that lists show: the prefix and six that tell tokens apart (36 of 256 bits).
const SHOWN_CHARS: usize = API_TOKEN_PREFIX.len() + 6;

/// Characters of 32 bytes as base64url without padding.
const SECRET_CHARS: usize = 43;

/// What is stored of a secret.
pub type SecretHash = [u8; 32];

/// The text of a session cookie or of a one-time link.
#[must_use]
pub fn opaque(entropy: [u8; SECRET_BYTES]) -> String {
    Base64UrlUnpadded::encode_string(&entropy)
}

/// The text of an API token.
#[must_use]
pub fn api_token(entropy: [u8; SECRET_BYTES]) -> String {
    format!("{API_TOKEN_PREFIX}{}", opaque(entropy))
}

/// The part of an API token that lists may show.
#[must_use]
pub fn shown(api_token: &str) -> &str {
    api_token.get(..SHOWN_CHARS).unwrap_or_default()
}

/// The hash of a presented cookie or link secret; none when the text cannot be one, which saves the look-up.
#[must_use]
pub fn opaque_hash(text: &str) -> Option<SecretHash> {
    is_secret(text).then(|| hash(text))
}

/// The hash of a presented API token; none when the text cannot be one.
#[must_use]
pub fn api_token_hash(text: &str) -> Option<SecretHash> {
    text.strip_prefix(API_TOKEN_PREFIX)
        .is_some_and(is_secret)
        .then(|| hash(text))
}

fn is_secret(text: &str) -> bool {
    text.len() == SECRET_CHARS
        && text
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
}

fn hash(text: &str) -> SecretHash {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_recognised() {
        let (link, token) = (opaque([0xfb; 32]), api_token([0xfb; 32]));
        assert_eq!(link.len(), SECRET_CHARS);
        assert_eq!(token, format!("sam_{link}"));
        assert_eq!(shown(&token), format!("sam_{}", &link[..6]));
        assert!(opaque_hash(&link).is_some());
        assert!(api_token_hash(&token).is_some());
        assert_ne!(opaque_hash(&link), opaque_hash(&opaque([0xfa; 32])));
        assert_ne!(opaque_hash(&link), api_token_hash(&token), "a link is no API token");
    }

    #[test]
    fn what_cannot_be_a_secret_is_not_looked_up() {
        let link = opaque([1; 32]);
        for text in [
            "",
            "sam_",
            &link[1..],
            &format!("{link}A"),
            &link.replace('A', "="),
            &link.replace('A', "é"),
        ] {
            assert_eq!(opaque_hash(text), None, "{text}");
            assert_eq!(api_token_hash(text), None, "{text}");
        }
        assert_eq!(opaque_hash(&api_token([1; 32])), None);
        assert_eq!(api_token_hash(&link), None);
    }
}
