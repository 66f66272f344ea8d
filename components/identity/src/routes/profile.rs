//! The caller's own name and e-mail address.

use sam_contract::http::account::ProfilePatch;
use sam_contract::http::users::User;
use sam_contract::route::Body;
use sam_domain::{profile, users as rules};
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;
use sam_kit::reply::Reply;

use super::own_effects;
use crate::store::users::{self, ProfileChange};
use crate::wire;

/// `PATCH /api/account/profile`
pub(crate) async fn patch(by: Principal, call: Call<Body<ProfilePatch>>) -> Result<Reply<User>, ApiError> {
    let Body(wish) = &call.input;
    let change = change(wish)?;
    let written = own_effects(&rules::profile_changed(&by.user_id.to_string()), &by, &call)?;
    let row = users::change_profile(&CORE, by.user_id, &change, call.now, &written).await?;
    let row = row.ok_or_else(ApiError::not_found)?;
    Ok(Reply::new(wire::user(row)).wake(written.wakes()))
}

fn change(wish: &ProfilePatch) -> Result<ProfileChange, ApiError> {
    let name = wish.name.as_deref().map(profile::name).transpose();
    let name = name.map_err(|problem| ApiError::bad_request(format!("name: {problem}")))?;
    let email = match wish.email.as_deref() {
        None => None,
        Some(text) if text.trim().is_empty() => Some(None),
        Some(text) => {
            let email = profile::email(text).map_err(|problem| ApiError::bad_request(format!("email: {problem}")))?;
            Some(Some(email))
        }
    };
    Ok(ProfileChange { name, email })
}
