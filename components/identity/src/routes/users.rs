//! What administrators see of users and decide about them.

use sam_contract::http::users::{SetRole, Suspend, User, UserQuery};
use sam_contract::ids::UserId;
use sam_contract::page::{Page, page_rows};
use sam_contract::route::{Body, Path, Query};
use sam_domain::users::{self as rules, Actor, Decision, Refusal};
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::effects::{self, Cause};
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;
use sam_kit::reply::Reply;

use super::sentence;
use crate::store::users::{self, Place};
use crate::{wire, work};

/// `GET /api/admin/users`
pub(crate) async fn list(_: Principal, call: Call<Query<UserQuery>>) -> Result<Page<User>, ApiError> {
    let Query(query) = &call.input;
    let after = query.cursor.as_deref().map(place).transpose()?;
    let limit = page_rows(query.limit);
    let rows = users::list(&CORE, query.status.map(wire::read_status), after, limit + 1).await?;
    let page = Page::cut(rows, limit, |row| format!("{}-{}", row.created_at, row.id));
    Ok(Page {
        items: page.items.into_iter().map(wire::user).collect(),
        next_cursor: page.next_cursor,
    })
}

/// A cursor is the place of the last row of a page.
fn place(cursor: &str) -> Result<Place, ApiError> {
    let place = cursor
        .split_once('-')
        .and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    place.ok_or_else(|| ApiError::bad_request("cursor: pass `next_cursor` of the page before, unchanged"))
}

/// `POST /api/admin/users/{id}/approve`
pub(crate) async fn approve(by: Principal, call: Call<Path<UserId>>) -> Result<Reply<User>, ApiError> {
    let Path(id) = call.input;
    decide(&by, id, Decision::Approve, &call).await
}

/// `POST /api/admin/users/{id}/suspend`
pub(crate) async fn suspend(by: Principal, call: Call<(Path<UserId>, Body<Suspend>)>) -> Result<Reply<User>, ApiError> {
    let (Path(id), Body(wish)) = &call.input;
    let reply = decide(&by, *id, Decision::Suspend(wish.reason.clone()), &call).await?;
    // The job does this too, in case we do not get here; but a credential should not outlive the answer.
    work::revoke_credentials(&CORE, *id, call.now, call.now).await?;
    Ok(reply)
}

/// `POST /api/admin/users/{id}/reinstate`
pub(crate) async fn reinstate(by: Principal, call: Call<Path<UserId>>) -> Result<Reply<User>, ApiError> {
    let Path(id) = call.input;
    decide(&by, id, Decision::Reinstate, &call).await
}

/// `PUT /api/admin/users/{id}/role`
pub(crate) async fn set_role(
    by: Principal,
    call: Call<(Path<UserId>, Body<SetRole>)>,
) -> Result<Reply<User>, ApiError> {
    let (Path(id), Body(wish)) = &call.input;
    decide(&by, *id, Decision::SetRole(wire::read_role(wish.role)), &call).await
}

async fn decide<I>(by: &Principal, id: UserId, decision: Decision, call: &Call<I>) -> Result<Reply<User>, ApiError> {
    let was = users::find(&CORE, id).await?.ok_or_else(ApiError::not_found)?;
    let actor = Actor {
        role: by.role,
        is_self: by.user_id == id,
        user: id.to_string(),
        superadmin_remains: users::superadmin_remains(&CORE, id).await?,
    };
    let (next, effects) =
        rules::step(&was.standing, &actor, decision, call.now).map_err(|refusal| explain(&refusal))?;
    let cause = Cause {
        now: call.now,
        account: was.account_id,
        actor: Some(by.user_id),
        request: Some(call.request_id),
    };
    let written = effects::write(&effects, &cause)?;
    let takes_power = rules::takes_power(&was.standing, &next);
    let row = users::decide(&CORE, &was, &next, takes_power, &written).await?;
    let row = row.ok_or_else(|| ApiError::conflict("Someone else decided about this user just now: look again."))?;
    Ok(Reply::new(wire::user(row)).wake(written.wakes()))
}

fn explain(refusal: &Refusal) -> ApiError {
    match refusal {
        Refusal::Reason(_) => ApiError::bad_request(refusal.to_string()),
        refusal if refusal.is_forbidden() => ApiError::forbidden(sentence(refusal)),
        refusal => ApiError::conflict(sentence(refusal)),
    }
}
