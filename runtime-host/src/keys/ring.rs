//! The key ring in the form that the vault reads.

use super::random_text;
use anyhow::{Result, bail};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Keys that seal and keys that sign. The first of each list is the newest, and exactly one is active.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRing {
    seal: Vec<SealKey>,
    sign: Vec<SignKey>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SealKey {
    id: String,
    key: String,
    active: bool,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SignKey {
    id: String,
    seed: String,
    active: bool,
}

/// The ids of a ring, in its order; the active one of each list is marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyIds {
    /// Ids of keys that seal, with whether they are active.
    pub seal: Vec<(String, bool)>,
    /// Ids of keys that sign, with whether they are active.
    pub sign: Vec<(String, bool)>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyRing").field(&self.ids()).finish()
    }
}

impl KeyRing {
    /// A ring with one key of each kind.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn generate() -> Result<Self> {
        let mut ring = Self {
            seal: Vec::new(),
            sign: Vec::new(),
        };
        ring.rotate()?;
        Ok(ring)
    }

    /// Reads and checks a ring. No error shows what stands in the file.
    ///
    /// # Errors
    /// When it is not JSON of the right form, or has not exactly one active key of each kind.
    pub fn parse(json: &str) -> Result<Self> {
        let Ok(ring) = serde_json::from_str::<Self>(json) else {
            bail!("it is not a key ring: {{\"seal\":[{{id,key,active}}],\"sign\":[{{id,seed,active}}]}} is expected")
        };
        let seal = ring
            .seal
            .iter()
            .map(|key| (key.id.as_str(), key.key.as_str(), key.active))
            .collect();
        let sign = ring
            .sign
            .iter()
            .map(|key| (key.id.as_str(), key.seed.as_str(), key.active))
            .collect();
        check("seal", seal)?;
        check("sign", sign)?;
        Ok(ring)
    }

    /// The JSON for the vault.
    ///
    /// # Errors
    /// Never for a ring of this type; the signature is that of the encoder.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string(self)?)
    }

    /// Adds a new active key of each kind before the others, which stay for opening and verifying.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn rotate(&mut self) -> Result<()> {
        let seal = SealKey {
            id: next_id("k", self.seal.iter().map(|key| &key.id)),
            key: random_text()?,
            active: true,
        };
        let sign = SignKey {
            id: next_id("s", self.sign.iter().map(|key| &key.id)),
            seed: random_text()?,
            active: true,
        };
        self.seal.iter_mut().for_each(|key| key.active = false);
        self.sign.iter_mut().for_each(|key| key.active = false);
        self.seal.insert(0, seal);
        self.sign.insert(0, sign);
        Ok(())
    }

    /// The ids, without any key.
    pub fn ids(&self) -> KeyIds {
        KeyIds {
            seal: self.seal.iter().map(|key| (key.id.clone(), key.active)).collect(),
            sign: self.sign.iter().map(|key| (key.id.clone(), key.active)).collect(),
        }
    }
}

fn check(list: &str, keys: Vec<(&str, &str, bool)>) -> Result<()> {
    let active = keys.iter().filter(|(_, _, active)| *active).count();
    if active != 1 {
        bail!("its list `{list}` has {active} active keys instead of one");
    }
    for (id, key, _) in keys {
        if Base64UrlUnpadded::decode_vec(key).map(|bytes| bytes.len()) != Ok(32) {
            bail!("the key {id:?} of its list `{list}` is not 32 bytes in base64url without padding");
        }
    }
    Ok(())
}

/// One more than the highest number in use, so that an id is never used twice even if somebody removed keys by hand.
fn next_id<'k>(prefix: &str, ids: impl Iterator<Item = &'k String>) -> String {
    let highest = ids
        .filter_map(|id| id.strip_prefix(prefix)?.parse::<u32>().ok())
        .max()
        .unwrap_or(0);
    format!("{prefix}{}", highest.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_that_the_vault_would_refuse_are_refused_here() {
        let good = KeyRing::generate().unwrap().to_json().unwrap();
        let cases = [
            (good.clone(), true),
            (good.replace("\"active\":true", "\"active\":false"), false),
            (good.replace("\"id\":\"k1\"", "\"name\":\"k1\""), false),
            (good.replace("\"seed\":\"", "\"seed\":\"AA"), false),
            ("{}".to_owned(), false),
            (String::new(), false),
        ];
        for (json, expect) in cases {
            assert_eq!(KeyRing::parse(&json).is_ok(), expect, "{}", json.len());
        }
    }

    #[test]
    fn ids_are_never_used_twice() {
        let mut ring = KeyRing::generate().unwrap();
        ring.rotate().unwrap();
        ring.rotate().unwrap();
        ring.seal.remove(1);
        ring.rotate().unwrap();
        let ids = ring.ids();
        assert_eq!(
            ids.seal,
            [("k4".into(), true), ("k3".into(), false), ("k1".into(), false)]
        );
        assert_eq!(ids.sign.len(), 4);
    }
}
