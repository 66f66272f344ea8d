//! Sealed database values: `version | length of kid | kid | nonce | ciphertext and tag`, AES-256-GCM.
//!
//! The additional data binds the header and the place of the value (table, row, column), each part with its
//! length before it, so that no two different places have the same bytes. Randomness is an argument.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead, Payload};
use thiserror::Error;

use crate::keyring::Keys;

/// The only layout so far; another one gets another first byte.
const VERSION: u8 = 1;

/// Bytes of a nonce: random, so one key seals at most 2^32 values (NIST SP 800-38D) before it is rotated.
pub const NONCE_BYTES: usize = 12;

/// Bytes of the authentication tag that ends the ciphertext.
const TAG_BYTES: usize = 16;

/// Where a sealed value lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    /// Name of the table.
    pub table: &'a str,
    /// Id of the row.
    pub row: &'a str,
    /// Name of the column.
    pub column: &'a str,
}

/// Why a value could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// The bytes are not an envelope.
    #[error("the bytes are not an envelope")]
    Malformed,
    /// The key is not in the ring.
    #[error("the envelope was sealed with key {0:?}, which is not in the ring")]
    UnknownKey(String),
    /// Altered, or sealed for another place.
    #[error("the key does not open the envelope: it was altered, or sealed for another place")]
    Refused,
    /// The cipher failed to seal: the plaintext is beyond its limit of 64 GiB.
    #[error("the cipher refused to seal")]
    Cipher,
}

/// Seals `plaintext` with the active key. `nonce` must be fresh randomness for every call.
///
/// # Errors
/// Only [`EnvelopeError::Cipher`].
pub fn seal(
    keys: &Keys<Aes256Gcm>,
    context: Context<'_>,
    nonce: [u8; NONCE_BYTES],
    plaintext: &[u8],
) -> Result<Vec<u8>, EnvelopeError> {
    let (id, key) = keys.active();
    let mut envelope = header(id);
    let aad = additional_data(&envelope, context);
    let sealed = key
        .encrypt(
            &nonce.into(),
            Payload {
                msg: plaintext,
                aad: &aad,
            },
        )
        .map_err(|_| EnvelopeError::Cipher)?;
    envelope.extend_from_slice(&nonce);
    envelope.extend_from_slice(&sealed);
    Ok(envelope)
}

/// Opens an envelope with the key it names.
///
/// # Errors
/// All of [`EnvelopeError`] but `Cipher`.
pub fn open(keys: &Keys<Aes256Gcm>, context: Context<'_>, envelope: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    let parts = parse(envelope)?;
    let key = keys
        .find(parts.id)
        .ok_or_else(|| EnvelopeError::UnknownKey(parts.id.to_owned()))?;
    let aad = additional_data(&header(parts.id), context);
    key.decrypt(
        &parts.nonce.into(),
        Payload {
            msg: parts.sealed,
            aad: &aad,
        },
    )
    .map_err(|_| EnvelopeError::Refused)
}

/// Whether the envelope names another key than the active one.
///
/// # Errors
/// [`EnvelopeError::Malformed`].
pub fn needs_reseal(keys: &Keys<Aes256Gcm>, envelope: &[u8]) -> Result<bool, EnvelopeError> {
    Ok(parse(envelope)?.id != keys.active().0)
}

struct Parts<'a> {
    id: &'a str,
    nonce: [u8; NONCE_BYTES],
    sealed: &'a [u8],
}

fn parse(envelope: &[u8]) -> Result<Parts<'_>, EnvelopeError> {
    fn split(envelope: &[u8]) -> Option<Parts<'_>> {
        let [VERSION, length, rest @ ..] = envelope else {
            return None;
        };
        let (id, rest) = rest.split_at_checked(usize::from(*length))?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let id = std::str::from_utf8(id).ok().filter(|id| !id.is_empty())?;
        (sealed.len() >= TAG_BYTES).then_some(Parts {
            id,
            nonce: *nonce,
            sealed,
        })
    }
    split(envelope).ok_or(EnvelopeError::Malformed)
}

/// The key ring admits only ids of at most 32 bytes, so the length always fits its byte.
fn header(id: &str) -> Vec<u8> {
    let length = u8::try_from(id.len()).unwrap_or(u8::MAX);
    let mut header = vec![VERSION, length];
    header.extend_from_slice(id.as_bytes());
    header
}

fn additional_data(header: &[u8], context: Context<'_>) -> Vec<u8> {
    let mut aad = header.to_vec();
    for part in [context.table, context.row, context.column] {
        aad.extend_from_slice(&(part.len() as u64).to_be_bytes());
        aad.extend_from_slice(part.as_bytes());
    }
    aad
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::KeyRing;

    const PLACE: Context<'_> = Context {
        table: "credentials",
        row: "01j",
        column: "secret",
    };

    /// A ring whose key `kN` is 32 bytes of N; the last one named is active.
    fn ring(ids: &[u8]) -> KeyRing {
        use base64ct::{Base64UrlUnpadded, Encoding};
        let material = |n: u8| Base64UrlUnpadded::encode_string(&[n; 32]);
        let seal: Vec<_> = ids
            .iter()
            .map(|n| {
                let active = Some(n) == ids.last();
                format!(r#"{{"id":"k{n}","key":"{}","active":{active}}}"#, material(*n))
            })
            .collect();
        let sign = format!(r#"{{"id":"s1","seed":"{}","active":true}}"#, material(9));
        KeyRing::parse(&format!(r#"{{"seal":[{}],"sign":[{sign}]}}"#, seal.join(","))).unwrap()
    }

    #[test]
    fn what_was_sealed_opens() {
        let ring = ring(&[1]);
        for plaintext in [&b""[..], b"x", b"ghp_0123456789", &[0xff; 5000]] {
            let envelope = seal(ring.seal(), PLACE, [7; 12], plaintext).unwrap();
            assert_eq!(open(ring.seal(), PLACE, &envelope).unwrap(), plaintext);
            assert_eq!(envelope.len(), 2 + 2 + NONCE_BYTES + plaintext.len() + TAG_BYTES);
            assert!(envelope.starts_with(b"\x01\x02k1"));
        }
    }

    #[test]
    fn another_place_is_refused() {
        let ring = ring(&[1]);
        let envelope = seal(ring.seal(), PLACE, [7; 12], b"secret").unwrap();
        for place in [
            Context {
                table: "credential",
                ..PLACE
            },
            Context { row: "01k", ..PLACE },
            Context {
                column: "note",
                ..PLACE
            },
            // The same letters, cut elsewhere.
            Context {
                table: "credentials0",
                row: "1j",
                ..PLACE
            },
            Context {
                row: "01jsecret",
                column: "",
                ..PLACE
            },
        ] {
            assert_eq!(
                open(ring.seal(), place, &envelope),
                Err(EnvelopeError::Refused),
                "{place:?}"
            );
        }
    }

    #[test]
    fn every_altered_byte_is_noticed() {
        let ring = ring(&[1, 2]);
        let envelope = seal(ring.seal(), PLACE, [7; 12], b"secret").unwrap();
        for at in 0..envelope.len() {
            for bit in 0..8 {
                let mut altered = envelope.clone();
                altered[at] ^= 1 << bit;
                assert!(open(ring.seal(), PLACE, &altered).is_err(), "byte {at}, bit {bit}");
            }
        }
        for length in 0..envelope.len() {
            assert!(
                open(ring.seal(), PLACE, &envelope[..length]).is_err(),
                "cut to {length}"
            );
        }
    }

    #[test]
    fn a_key_cannot_be_swapped_for_another_of_the_ring() {
        let ring = ring(&[1, 2]);
        let mut envelope = seal(ring.seal(), PLACE, [7; 12], b"secret").unwrap();
        envelope[3] = b'1';
        assert_eq!(open(ring.seal(), PLACE, &envelope), Err(EnvelopeError::Refused));
    }

    #[test]
    fn rotation_opens_the_old_and_seals_with_the_new() {
        let (before, after, retired) = (ring(&[1]), ring(&[1, 2]), ring(&[2]));
        let old = seal(before.seal(), PLACE, [7; 12], b"secret").unwrap();
        assert_eq!(needs_reseal(before.seal(), &old), Ok(false));
        assert_eq!(needs_reseal(after.seal(), &old), Ok(true));
        let opened = open(after.seal(), PLACE, &old).unwrap();
        let new = seal(after.seal(), PLACE, [8; 12], &opened).unwrap();
        assert_eq!(needs_reseal(after.seal(), &new), Ok(false));
        assert_eq!(open(retired.seal(), PLACE, &new).unwrap(), b"secret");
        assert_eq!(
            open(retired.seal(), PLACE, &old),
            Err(EnvelopeError::UnknownKey("k1".to_owned()))
        );
        assert_eq!(
            open(before.seal(), PLACE, &new),
            Err(EnvelopeError::UnknownKey("k2".to_owned()))
        );
    }

    #[test]
    fn not_an_envelope() {
        let ring = ring(&[1]);
        let check = |bytes: &[u8]| {
            assert_eq!(
                open(ring.seal(), PLACE, bytes),
                Err(EnvelopeError::Malformed),
                "{bytes:?}"
            );
            assert_eq!(
                needs_reseal(ring.seal(), bytes),
                Err(EnvelopeError::Malformed),
                "{bytes:?}"
            );
        };
        check(b"");
        check(b"\x01");
        check(b"\x02\x02k1aaaaaaaaaaaabbbbbbbbbbbbbbbb");
        check(b"\x01\xffk1aaaaaaaaaaaabbbbbbbbbbbbbbbb");
        check(b"\x01\x00aaaaaaaaaaaabbbbbbbbbbbbbbbb");
        check(b"\x01\x02k1aaaaaaaaaaaabbbbbbbbbbbbbbb");
        check(b"\x01\x02\xff\xfeaaaaaaaaaaaabbbbbbbbbbbbbbbb");
        check(b"plain text that someone stored by mistake");
    }
}
