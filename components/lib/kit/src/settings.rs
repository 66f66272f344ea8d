//! Settings, as the operator gave them: read through the vault, because only the vault reads variables.
//!
//! Secrets are not read here: ask the vault whether a candidate [`matches`], or let it seal and sign.

use std::collections::HashMap;
use std::sync::Mutex;

use sam_contract::settings::{Kind, Setting};

use crate::error::ApiError;
use crate::vault::settings as vault;

/// Values of this instance: settings change with a restart only, and each question would go to the provider.
static CACHE: Mutex<Option<HashMap<&'static str, String>>> = Mutex::new(None);

/// The value of a setting, or its default.
///
/// # Errors
/// When the vault cannot answer.
pub async fn text(setting: &Setting) -> Result<String, ApiError> {
    if let Some(value) = CACHE
        .lock()
        .ok()
        .and_then(|cache| cache.as_ref()?.get(setting.name).cloned())
    {
        return Ok(value);
    }
    let asked = vault::get(setting.name.to_owned()).await;
    let asked = asked.map_err(|error| failed(setting, &format!("{error:?}")))?;
    let value = asked.unwrap_or_else(|| setting.default.unwrap_or_default().to_owned());
    if let Ok(mut cache) = CACHE.lock() {
        cache.get_or_insert_default().insert(setting.name, value.clone());
    }
    Ok(value)
}

/// A setting that is `true` or `false`.
///
/// # Errors
/// As [`text`], or when it is neither.
pub async fn flag(setting: &Setting) -> Result<bool, ApiError> {
    let value = text(setting).await?;
    value
        .parse()
        .map_err(|_| failed(setting, &format!("`{value}` is neither `true` nor `false`")))
}

/// A setting that is a number in its range.
///
/// # Errors
/// As [`text`], or when it is not.
pub async fn count(setting: &Setting) -> Result<i64, ApiError> {
    let value = text(setting).await?;
    let in_range = |number: &i64| match setting.kind {
        Kind::Count { min, max } => (min..=max).contains(number),
        _ => true,
    };
    let number = value.parse().ok().filter(in_range);
    number.ok_or_else(|| {
        failed(
            setting,
            &format!("`{value}` is not a number in the range {:?}", setting.kind),
        )
    })
}

/// Whether `candidate` is the value of a secret setting.
///
/// # Errors
/// When the vault cannot answer.
pub async fn matches(setting: &Setting, candidate: &str) -> Result<bool, ApiError> {
    let asked = vault::matches(setting.name.to_owned(), candidate.to_owned()).await;
    asked.map_err(|error| failed(setting, &format!("{error:?}")))
}

fn failed(setting: &Setting, issue: &str) -> ApiError {
    ApiError::internal(format!("setting `{}`: {issue}", setting.name))
}
