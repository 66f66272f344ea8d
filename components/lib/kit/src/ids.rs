//! The only place that makes ids and secrets.

use sam_contract::ids::Id;

use crate::clock;
use crate::error::ApiError;

/// Random bytes for a secret.
///
/// # Errors
/// When the host gives none; nothing that needs secrets can go on then.
pub fn entropy<const N: usize>() -> Result<[u8; N], ApiError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| ApiError::internal(format!("no randomness: {error}")))?;
    Ok(bytes)
}

/// A new id.
///
/// # Errors
/// As [`entropy`].
pub fn new<T: Id>() -> Result<T, ApiError> {
    Ok(T::from_parts(clock::now(), u128::from_be_bytes(entropy()?)))
}
