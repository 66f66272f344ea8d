//! The caller's API tokens.

use sam_contract::http::tokens::{ApiToken, CreateToken, NewToken};
use sam_contract::ids::ApiTokenId;
use sam_contract::page::Page;
use sam_contract::route::{Body, Created, NoContent, Path};
use sam_contract::settings::API_TOKENS_MAX;
use sam_domain::secrets;
use sam_domain::tokens::{self as rules, Refusal};
use sam_domain::users::Role;
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;
use sam_kit::reply::Reply;
use sam_kit::{ids, settings};

use super::{own_effects, owner, sentence};
use crate::store::tokens::{self, TokenRow};
use crate::wire;

/// `GET /api/tokens`
pub(crate) async fn list(by: Principal, call: Call<()>) -> Result<Page<ApiToken>, ApiError> {
    let rows = tokens::list(&CORE, owner(&by), call.now).await?;
    Ok(Page::whole(rows.into_iter().map(wire::token).collect()))
}

/// `POST /api/tokens`
pub(crate) async fn create(by: Principal, call: Call<Body<CreateToken>>) -> Result<Reply<Created<NewToken>>, ApiError> {
    let Body(wish) = &call.input;
    let scopes: Vec<_> = wish.scopes.iter().copied().map(wire::read_scope).collect();
    let grant = rules::grant(
        &wish.name,
        &scopes,
        wish.expires_in_days,
        by.role >= Role::Admin,
        call.now,
    );
    let grant = grant.map_err(|refusal| ApiError::bad_request(refusal.to_string()))?;

    let token = secrets::api_token(ids::entropy()?);
    let hash = secrets::api_token_hash(&token).ok_or_else(|| ApiError::internal("a new token has no hash"))?;
    let prefix = secrets::shown(&token).to_owned();
    let row = TokenRow {
        id: ids::new()?,
        grant,
        prefix,
        created_at: call.now,
        last_used_at: None,
    };
    let written = own_effects(&rules::created(&row.id.to_string()), &by, &call)?;
    let tokens_max = settings::count(&API_TOKENS_MAX).await?;
    if !tokens::insert(&CORE, owner(&by), &row, hash, tokens_max, &written).await? {
        return Err(ApiError::conflict(sentence(&Refusal::TooMany(tokens_max))));
    }
    let id = row.id;
    let made = Created(NewToken {
        token,
        item: wire::token(row),
    });
    Ok(Reply::new(made).wake(written.wakes()).about(&id))
}

/// `DELETE /api/tokens/{id}`
pub(crate) async fn revoke(by: Principal, call: Call<Path<ApiTokenId>>) -> Result<Reply<NoContent>, ApiError> {
    let Path(id) = call.input;
    let written = own_effects(&rules::revoked(&id.to_string()), &by, &call)?;
    if !tokens::revoke(&CORE, owner(&by), id, call.now, &written).await? {
        return Err(ApiError::not_found());
    }
    Ok(Reply::new(NoContent).wake(written.wakes()))
}
