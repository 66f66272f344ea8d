//! Invitations, for administrators.

use sam_contract::http::invites::{CreateInvite, Invite, NewInvite};
use sam_contract::ids::LoginLinkId;
use sam_contract::page::{Page, PageQuery, page_rows};
use sam_contract::route::{Body, Created, NoContent, Path, Query};
use sam_contract::settings::INVITE_DAYS;
use sam_domain::links::{Purpose, may_invite};
use sam_domain::profile;
use sam_domain::users::Role;
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;
use sam_kit::reply::Reply;
use sam_kit::settings;

use super::links::{Wish, make, url_path};
use crate::store::links;
use crate::wire;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// `GET /api/admin/invites`
pub(crate) async fn list(_: Principal, call: Call<Query<PageQuery>>) -> Result<Page<Invite>, ApiError> {
    let Query(query) = &call.input;
    let after: Option<LoginLinkId> = query
        .cursor
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| ApiError::bad_request("cursor: pass `next_cursor` of the page before, unchanged"))?;
    let limit = page_rows(query.limit);
    let rows = links::invites(&CORE, after, limit + 1, call.now).await?;
    let page = Page::cut(rows, limit, |row| row.id.to_string());
    let items = page
        .items
        .into_iter()
        .filter_map(|row| row.created_by.map(|by| wire::invite(row, by)));
    Ok(Page {
        items: items.collect(),
        next_cursor: page.next_cursor,
    })
}

/// `POST /api/admin/invites`
pub(crate) async fn create(
    by: Principal,
    call: Call<Body<CreateInvite>>,
) -> Result<Reply<Created<NewInvite>>, ApiError> {
    let Body(wish) = call.input;
    let role = wish.role.map_or(Role::User, wire::read_role);
    if !may_invite(by.role, role) {
        return Err(ApiError::forbidden(format!(
            "role: only a superadministrator invites with the role `{}`; leave it out, or `user`",
            role.as_str()
        )));
    }
    let note = wish.note.as_deref().map_or(Ok(None), profile::note);
    let wish = Wish {
        purpose: Purpose::Invite,
        user_id: None,
        role,
        note: note.map_err(|problem| ApiError::bad_request(format!("note: {problem}")))?,
        created_by: Some(by.user_id),
        life_ms: settings::count(&INVITE_DAYS).await? * DAY_MS,
    };
    let (token, row) = make(wish, call.now).await?;
    let expires_at = row.link.expires_at;
    let item = wire::invite(row, by.user_id);
    let id = item.id;
    let made = Created(NewInvite {
        url_path: url_path(&token),
        token,
        expires_at,
        item,
    });
    Ok(Reply::new(made).about(&id))
}

/// `DELETE /api/admin/invites/{id}`
pub(crate) async fn revoke(_: Principal, call: Call<Path<LoginLinkId>>) -> Result<NoContent, ApiError> {
    let Path(id) = call.input;
    if links::withdraw(&CORE, id).await? {
        Ok(NoContent)
    } else {
        Err(ApiError::not_found())
    }
}
