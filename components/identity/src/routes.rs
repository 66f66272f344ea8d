//! Handlers, one module per noun: parse, authorise, load, decide, store, answer. The guard, the rate limits and the
//! audit row are `kit`'s; the decisions are `domain`'s.

pub(crate) mod invites;
pub(crate) mod links;
pub(crate) mod profile;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod tokens;
pub(crate) mod users;

use std::fmt::Display;

use sam_contract::ids::{AccountId, UserId};
use sam_domain::effects::Effects;
use sam_kit::call::Call;
use sam_kit::effects::{self, Cause, Written};
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;

/// An error of `domain` as a person reads it: a sentence of its own.
pub(crate) fn sentence(error: &impl Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// Whose rows a principal sees.
fn owner(principal: &Principal) -> (AccountId, UserId) {
    (principal.account_id, principal.user_id)
}

/// Effects of a change that a user makes to what is their own.
fn own_effects<I>(effects: &Effects, by: &Principal, call: &Call<I>) -> Result<Written, ApiError> {
    let cause = Cause {
        now: call.now,
        account: by.account_id,
        actor: Some(by.user_id),
        request: Some(call.request_id),
    };
    effects::write(effects, &cause)
}
