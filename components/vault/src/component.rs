//! The WIT side: settings from the host, the key ring parsed once per instance, errors by hand.

use std::sync::OnceLock;

use subtle::ConstantTimeEq;

use crate::envelope::{self, Context, EnvelopeError, NONCE_BYTES};
use crate::jws::{self, JwsError};
use crate::keyring::{KeyRing, KeyRingError};

#[expect(unsafe_code, reason = "generated: the canonical ABI of wit/vault")]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package sam:vault-component@0.1.0;
            world component {
                import spin:variables/variables@3.0.0;
                include sam:vault/vault@0.1.0;
            }
        ",
        path: ["../../wit/deps/spin-variables@3.0.0", "../../wit/vault"],
        world: "sam:vault-component/component",
        generate_all,
    });

    use super::Vault;
    export!(Vault);
}

use bindings::exports::sam::vault::{sealer, settings, signer};
use bindings::spin::variables::variables;

/// The variable that holds the key ring, and so the one that [`settings::Guest::get`] withholds.
const KEYS: &str = "vault_keys";

struct Vault;

impl settings::Guest for Vault {
    async fn get(name: String) -> Result<Option<String>, settings::Error> {
        if name == KEYS {
            return Err(settings::Error::Withheld(name));
        }
        Ok(variable(name).await?.filter(|value| !value.is_empty()))
    }

    async fn matches(name: String, candidate: String) -> Result<bool, settings::Error> {
        let secret = Self::get(name).await?;
        Ok(secret.is_some_and(|secret| secret.as_bytes().ct_eq(candidate.as_bytes()).into()))
    }
}

impl sealer::Guest for Vault {
    async fn seal(context: sealer::Context, plaintext: Vec<u8>) -> Result<Vec<u8>, sealer::Error> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| sealer::Error::Failed(error.to_string()))?;
        Ok(envelope::seal(
            ring().await?.seal(),
            place(&context),
            nonce,
            &plaintext,
        )?)
    }

    async fn open(context: sealer::Context, envelope: Vec<u8>) -> Result<Vec<u8>, sealer::Error> {
        Ok(envelope::open(ring().await?.seal(), place(&context), &envelope)?)
    }

    async fn needs_reseal(envelope: Vec<u8>) -> Result<bool, sealer::Error> {
        Ok(envelope::needs_reseal(ring().await?.seal(), &envelope)?)
    }
}

impl signer::Guest for Vault {
    async fn sign(purpose: String, claims: String) -> Result<String, signer::Error> {
        Ok(jws::sign(ring().await?.sign(), &purpose, &claims)?)
    }

    async fn verify(purpose: String, token: String) -> Result<String, signer::Error> {
        Ok(jws::verify(ring().await?.sign(), &purpose, &token)?)
    }

    async fn jwks() -> Result<String, signer::Error> {
        Ok(jws::jwks(ring().await?.sign()))
    }
}

/// Why there is no key ring: each interface has its own error for it.
struct NoRing(String);

/// The key ring, parsed by the first call of an instance. A failure is not kept, so that a variables service
/// that was down for a moment is asked again.
async fn ring() -> Result<&'static KeyRing, NoRing> {
    static RING: OnceLock<KeyRing> = OnceLock::new();
    if let Some(ring) = RING.get() {
        return Ok(ring);
    }
    let json = variable(KEYS.to_owned())
        .await
        .map_err(|error| NoRing(format!("reading `{KEYS}`: {error}")))?;
    let ring = json.ok_or(KeyRingError::Unset).and_then(|json| KeyRing::parse(&json));
    let ring = ring.map_err(|error| NoRing(error.to_string()))?;
    Ok(RING.get_or_init(|| ring))
}

/// A variable of the component that the vault is part of; none when it was not granted.
async fn variable(name: String) -> Result<Option<String>, settings::Error> {
    match variables::get(name).await {
        Ok(value) => Ok(Some(value)),
        Err(variables::Error::Undefined(_)) => Ok(None),
        Err(variables::Error::InvalidName(name)) => Err(settings::Error::InvalidName(name)),
        Err(variables::Error::Provider(cause) | variables::Error::Other(cause)) => {
            Err(settings::Error::Unavailable(cause))
        }
    }
}

fn place(context: &sealer::Context) -> Context<'_> {
    Context {
        table: &context.table,
        row: &context.row,
        column: &context.column,
    }
}

impl From<NoRing> for sealer::Error {
    fn from(NoRing(problem): NoRing) -> Self {
        Self::KeyRing(problem)
    }
}

impl From<NoRing> for signer::Error {
    fn from(NoRing(problem): NoRing) -> Self {
        Self::KeyRing(problem)
    }
}

impl From<EnvelopeError> for sealer::Error {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::Malformed => Self::Malformed,
            EnvelopeError::UnknownKey(id) => Self::UnknownKey(id),
            EnvelopeError::Refused => Self::Refused,
            EnvelopeError::Cipher => Self::Failed(error.to_string()),
        }
    }
}

impl From<JwsError> for signer::Error {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Claims(cause) => Self::Claims(cause),
            JwsError::Malformed(part) => Self::Malformed(part.to_owned()),
            JwsError::WrongPurpose(purpose) => Self::WrongPurpose(purpose),
            JwsError::UnknownKey(id) => Self::UnknownKey(id),
            JwsError::Refused => Self::Refused,
        }
    }
}
