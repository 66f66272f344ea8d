//! The secrets of an installation, made at its first start and kept in `keys/`.
//!
//! | file | what |
//! |---|---|
//! | `vault-keys.json` | the key ring of the vault: keys that seal stored secrets and sign tokens |
//! | `ops-token` | what the host shows to components as a caller of `/_work/…`, and operators to the host |
//! | `object-store.json` | the key pair that signs requests to the local object store |
//!
//! A file is written beside its place, synced and renamed, so a crash leaves the old or the new one, never half of one.

pub mod command;
mod ring;
mod secret_file;

use anyhow::{Context, Result};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

pub use ring::{KeyIds, KeyRing};

/// All secrets of an installation. `Debug` shows none of them.
#[derive(Clone)]
pub struct Keys {
    /// The key ring of the vault, as the JSON that it reads.
    pub vault_keys: String,
    /// The bearer token of `/_work/…`.
    pub ops_token: String,
    /// The key pair of the object store.
    pub object_store: ObjectStoreKeys,
}

/// The key pair of the local object store.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectStoreKeys {
    /// Its public name.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl fmt::Debug for ObjectStoreKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStoreKeys")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// The directory `keys/` of an installation.
#[derive(Clone, Debug)]
pub struct KeyFiles {
    dir: PathBuf,
}

impl KeyFiles {
    /// Names the files; touches nothing.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Makes what is missing and never changes what is there. Returns the names of the files made.
    ///
    /// # Errors
    /// When a file cannot be written or the system has no random bytes.
    pub fn init(&self) -> Result<Vec<&'static str>> {
        crate::data_dir::private_dir(&self.dir)?;
        let mut made = Vec::new();
        let mut make = |name: &'static str, content: &dyn Fn() -> Result<String>| -> Result<()> {
            if !self.path(name).exists() {
                secret_file::write(&self.path(name), &content()?)?;
                made.push(name);
            }
            Ok(())
        };
        make(VAULT_KEYS, &|| KeyRing::generate()?.to_json())?;
        make(OPS_TOKEN, &|| random_text())?;
        make(OBJECT_STORE, &|| {
            let keys = ObjectStoreKeys {
                access_key: "sam-host".to_owned(),
                secret_key: random_text()?,
            };
            Ok(serde_json::to_string(&keys)?)
        })?;
        Ok(made)
    }

    /// Reads all secrets.
    ///
    /// # Errors
    /// When one is missing, malformed, or readable by others.
    pub fn load(&self) -> Result<Keys> {
        let vault_keys = self.ring()?.to_json()?;
        let object_store = serde_json::from_str(&secret_file::read(&self.path(OBJECT_STORE))?)
            .map_err(|_| anyhow::anyhow!("{} is not a key pair", self.path(OBJECT_STORE).display()))?;
        Ok(Keys {
            vault_keys,
            ops_token: self.ops_token()?,
            object_store,
        })
    }

    /// Reads the ops token alone.
    ///
    /// # Errors
    /// When it is missing or readable by others.
    pub fn ops_token(&self) -> Result<String> {
        Ok(secret_file::read(&self.path(OPS_TOKEN))?.trim().to_owned())
    }

    /// Reads the key ring alone.
    ///
    /// # Errors
    /// When it is missing, malformed, or readable by others.
    pub fn ring(&self) -> Result<KeyRing> {
        let path = self.path(VAULT_KEYS);
        KeyRing::parse(&secret_file::read(&path)?).with_context(|| format!("{} cannot be used", path.display()))
    }

    /// Adds a new active key to both lists of the ring. Returns the new ids.
    ///
    /// # Errors
    /// When the ring cannot be read or written.
    pub fn rotate(&self) -> Result<KeyIds> {
        let mut ring = self.ring()?;
        ring.rotate()?;
        secret_file::write(&self.path(VAULT_KEYS), &ring.to_json()?)?;
        Ok(ring.ids())
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(&self.dir).join(name)
    }
}

const VAULT_KEYS: &str = "vault-keys.json";
const OPS_TOKEN: &str = "ops-token";
const OBJECT_STORE: &str = "object-store.json";

/// 256 random bits as text that fits into a header.
fn random_text() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the system has no random bytes")?;
    Ok(Base64UrlUnpadded::encode_string(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_run_makes_private_files_and_later_runs_keep_them() {
        let dir = tempfile::tempdir().unwrap();
        let files = KeyFiles::at(dir.path().join("keys"));
        assert_eq!(files.init().unwrap(), [VAULT_KEYS, OPS_TOKEN, OBJECT_STORE]);
        let keys = files.load().unwrap();
        for name in [VAULT_KEYS, OPS_TOKEN, OBJECT_STORE] {
            let mode = fs::metadata(files.path(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        assert_eq!(files.init().unwrap(), Vec::<&str>::new());
        assert_eq!(files.load().unwrap().vault_keys, keys.vault_keys);
        assert!(!format!("{keys:?}").contains(&keys.ops_token));
    }

    #[test]
    fn files_that_others_can_read_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let files = KeyFiles::at(dir.path());
        files.init().unwrap();
        fs::set_permissions(files.path(OPS_TOKEN), fs::Permissions::from_mode(0o640)).unwrap();
        let refused = files.load().unwrap_err().to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
    }

    #[test]
    fn rotation_adds_active_keys_and_keeps_the_old_ones() {
        let dir = tempfile::tempdir().unwrap();
        let files = KeyFiles::at(dir.path());
        files.init().unwrap();
        let before: serde_json::Value = serde_json::from_str(&files.load().unwrap().vault_keys).unwrap();
        files.rotate().unwrap();
        let after: serde_json::Value = serde_json::from_str(&files.load().unwrap().vault_keys).unwrap();
        for (list, secret) in [("seal", "key"), ("sign", "seed")] {
            let (old, new) = (&before[list][0], after[list].as_array().unwrap());
            let active: Vec<bool> = new.iter().map(|key| key["active"].as_bool().unwrap()).collect();
            assert_eq!(active, [true, false], "the new key first");
            assert_eq!(new[1][secret], old[secret]);
            assert_ne!(new[0]["id"], new[1]["id"]);
        }
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(left.len(), 3, "no temporary file stays");
    }
}
