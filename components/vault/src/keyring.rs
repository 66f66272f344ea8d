//! The key ring of the variable `vault_keys`: which keys exist, and which of them is the active one.
//!
//! ```json
//! {"seal":[{"id":"k2","key":"<base64url, 32 bytes>","active":true},{"id":"k1","key":"…","active":false}],
//!  "sign":[{"id":"s1","seed":"<base64url, 32 bytes>","active":true}]}
//! ```
//!
//! Rotation adds a key and makes it the active one; the old key stays until nothing sealed or signed by it is
//! left. No error of this module carries key material: parser messages, which quote their input, are withheld.

use aes_gcm::{Aes256Gcm, KeyInit};
use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::SigningKey;
use serde::Deserialize;
use thiserror::Error;

/// Ids are short so that an envelope stays small, and plain so that a JWS header needs no escaping.
const ID_CHARS_MAX: usize = 32;

/// Bytes of a sealing key (AES-256) and of a signing seed (Ed25519).
const KEY_BYTES: usize = 32;

/// All keys of an installation.
pub struct KeyRing {
    seal: Keys<Aes256Gcm>,
    sign: Keys<SigningKey>,
}

/// The keys of one use, by id, the active one first.
pub struct Keys<K> {
    active: (String, K),
    others: Vec<(String, K)>,
}

/// Why a key ring was refused. The display names the entry and the rule, never a value of a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyRingError {
    /// The variable is not set.
    #[error("`vault_keys` is not set: `sam-host keys init` makes a key ring")]
    Unset,
    /// Not the JSON described above.
    #[error("`vault_keys` is not a key ring: {problem} at line {line}, column {column}")]
    Json {
        /// The parser's category, not its message, which would quote the input.
        problem: &'static str,
        /// Where, counted from 1.
        line: usize,
        /// Where, counted from 1.
        column: usize,
    },
    /// An id that is not 1 to 32 characters of `a-z A-Z 0-9 - _`.
    #[error("`vault_keys`: id of {list}[{index}] must be 1 to 32 characters of a-z, A-Z, 0-9, `-` and `_`")]
    Id {
        /// `seal` or `sign`.
        list: &'static str,
        /// Position in the list, from 0.
        index: usize,
    },
    /// Two keys of one id.
    #[error("`vault_keys`: {list} has two keys with the id {id:?}")]
    DuplicateId {
        /// `seal` or `sign`.
        list: &'static str,
        /// The id.
        id: String,
    },
    /// Key material that is not 32 bytes.
    #[error("`vault_keys`: {list} key {id:?} must be 32 bytes as base64url without padding")]
    Key {
        /// `seal` or `sign`.
        list: &'static str,
        /// The id of the key.
        id: String,
    },
    /// Not exactly one active key.
    #[error("`vault_keys`: {list} has {count} active keys, it needs exactly one")]
    Active {
        /// `seal` or `sign`.
        list: &'static str,
        /// How many are marked active.
        count: usize,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RingJson {
    seal: Vec<SealJson>,
    sign: Vec<SignJson>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SealJson {
    id: String,
    key: String,
    active: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignJson {
    id: String,
    seed: String,
    active: bool,
}

/// A key as it stands in the JSON, of either list.
struct Entry {
    id: String,
    material: String,
    active: bool,
}

impl KeyRing {
    /// Reads the value of `vault_keys`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(json: &str) -> Result<Self, KeyRingError> {
        if json.trim().is_empty() {
            return Err(KeyRingError::Unset);
        }
        let ring: RingJson = serde_json::from_str(json).map_err(|error| json_error(&error))?;
        let seal = ring.seal.into_iter().map(|k| Entry {
            id: k.id,
            material: k.key,
            active: k.active,
        });
        let sign = ring.sign.into_iter().map(|k| Entry {
            id: k.id,
            material: k.seed,
            active: k.active,
        });
        Ok(Self {
            seal: Keys::new("seal", seal, |key| Aes256Gcm::new(&key.into()))?,
            sign: Keys::new("sign", sign, |seed| SigningKey::from_bytes(&seed))?,
        })
    }

    /// The keys that seal and open.
    #[must_use]
    pub fn seal(&self) -> &Keys<Aes256Gcm> {
        &self.seal
    }

    /// The keys that sign and verify.
    #[must_use]
    pub fn sign(&self) -> &Keys<SigningKey> {
        &self.sign
    }
}

impl<K> Keys<K> {
    fn new(
        list: &'static str,
        entries: impl Iterator<Item = Entry>,
        make: impl Fn([u8; KEY_BYTES]) -> K,
    ) -> Result<Self, KeyRingError> {
        let mut actives = Vec::new();
        let mut others: Vec<(String, K)> = Vec::new();
        for (index, Entry { id, material, active }) in entries.enumerate() {
            if !is_id(&id) {
                return Err(KeyRingError::Id { list, index });
            }
            if actives.iter().chain(&others).any(|(other, _)| *other == id) {
                return Err(KeyRingError::DuplicateId { list, id });
            }
            let Some(bytes) = decode(&material) else {
                return Err(KeyRingError::Key { list, id });
            };
            if active { &mut actives } else { &mut others }.push((id, make(bytes)));
        }
        let count = actives.len();
        let mut actives = actives.into_iter();
        match (actives.next(), actives.next()) {
            (Some(active), None) => Ok(Self { active, others }),
            _ => Err(KeyRingError::Active { list, count }),
        }
    }

    /// The key that seals or signs from now on, with its id.
    #[must_use]
    pub fn active(&self) -> (&str, &K) {
        (&self.active.0, &self.active.1)
    }

    /// The key with this id, active or not.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&K> {
        self.iter().find(|(known, _)| *known == id).map(|(_, key)| key)
    }

    /// All keys with their ids, the active one first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &K)> {
        std::iter::once(&self.active)
            .chain(&self.others)
            .map(|(id, key)| (id.as_str(), key))
    }
}

fn is_id(id: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
}

fn decode(material: &str) -> Option<[u8; KEY_BYTES]> {
    let mut bytes = [0; KEY_BYTES];
    let length = Base64UrlUnpadded::decode(material, &mut bytes).ok()?.len();
    (length == KEY_BYTES).then_some(bytes)
}

fn json_error(error: &serde_json::Error) -> KeyRingError {
    let problem = match error.classify() {
        serde_json::error::Category::Data => "a field is missing, unknown or of the wrong type",
        serde_json::error::Category::Eof => "the JSON ends too early",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "the JSON is malformed",
    };
    KeyRingError::Json {
        problem,
        line: error.line(),
        column: error.column(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 32 zero bytes.
    const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn ring(seal: &str, sign: &str) -> String {
        format!(r#"{{"seal":[{seal}],"sign":[{sign}]}}"#)
    }

    fn seal(id: &str, active: bool) -> String {
        format!(r#"{{"id":"{id}","key":"{KEY}","active":{active}}}"#)
    }

    fn sign(id: &str, active: bool) -> String {
        format!(r#"{{"id":"{id}","seed":"{KEY}","active":{active}}}"#)
    }

    #[test]
    fn the_active_key_comes_first() {
        let json = ring(
            &format!("{},{}", seal("k1", false), seal("k2", true)),
            &sign("s1", true),
        );
        let ring = KeyRing::parse(&json).unwrap();
        assert_eq!(ring.seal().active().0, "k2");
        assert_eq!(ring.seal().iter().map(|(id, _)| id).collect::<Vec<_>>(), ["k2", "k1"]);
        assert!(ring.seal().find("k1").is_some());
        assert!(ring.seal().find("k3").is_none());
    }

    #[test]
    fn refusals_name_the_entry() {
        let good = sign("s1", true);
        let check = |json: &str, expect: &str| {
            let error = KeyRing::parse(json)
                .err()
                .unwrap_or_else(|| panic!("{json} was accepted"));
            assert!(error.to_string().contains(expect), "{json}: {error}");
        };
        check("", "is not set");
        check("  \n", "is not set");
        check("{", "ends too early");
        check("{]", "malformed at line 1, column 2");
        check(r#"{"seal":[]}"#, "missing, unknown");
        check(r#"{"seal":[],"sign":[],"more":1}"#, "missing, unknown");
        check(&ring("", &good), "seal has 0 active keys");
        check(&ring(&seal("k1", false), &good), "seal has 0 active keys");
        check(
            &ring(&format!("{},{}", seal("k1", true), seal("k2", true)), &good),
            "seal has 2 active keys",
        );
        check(
            &ring(&format!("{},{}", seal("k1", true), seal("k1", false)), &good),
            "two keys with the id \"k1\"",
        );
        check(&ring(&seal("", true), &good), "id of seal[0]");
        check(&ring(&seal("k 1", true), &good), "id of seal[0]");
        check(&ring(&seal(&"k".repeat(33), true), &good), "id of seal[0]");
        check(
            &ring(r#"{"id":"k1","key":"AAAA","active":true}"#, &good),
            "seal key \"k1\" must be 32 bytes",
        );
        check(&ring(&seal("k1", true), ""), "sign has 0 active keys");
    }

    #[test]
    fn an_error_never_quotes_a_key() {
        let canary = "c2VjcmV0LWNhbmFyeS1zZWNyZXQtY2FuYXJ5ISE";
        for json in [
            format!(r#"{{"seal":"{canary}","sign":[]}}"#),
            format!(r#"{{"{canary}":1}}"#),
            ring(&format!(r#"{{"id":"k1","key":"{canary}","active":true}}"#), ""),
            ring(&format!(r#"{{"id":"k1","key":"{canary}","active":"{canary}"}}"#), ""),
        ] {
            let error = KeyRing::parse(&json).err().unwrap();
            assert!(!format!("{error} {error:?}").contains(canary), "{error}");
        }
    }
}
