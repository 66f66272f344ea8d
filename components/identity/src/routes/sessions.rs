//! The caller's sessions.

use http::header::SET_COOKIE;
use sam_contract::http::auth::Session;
use sam_contract::ids::SessionId;
use sam_contract::page::Page;
use sam_contract::route::{NoContent, Path};
use sam_domain::sessions::ended;
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;
use sam_kit::reply::Reply;

use super::{own_effects, owner};
use crate::store::{links, sessions};
use crate::wire;

/// `GET /api/auth/sessions`
pub(crate) async fn list(by: Principal, call: Call<()>) -> Result<Page<Session>, ApiError> {
    let rows = sessions::list(&CORE, owner(&by), call.now).await?;
    Ok(Page::whole(
        rows.into_iter()
            .map(|row| wire::session(row, by.session_id()))
            .collect(),
    ))
}

/// `DELETE /api/auth/sessions/{id}`
pub(crate) async fn revoke(by: Principal, call: Call<Path<SessionId>>) -> Result<Reply<NoContent>, ApiError> {
    let Path(id) = call.input;
    let written = own_effects(&ended(&id.to_string()), &by, &call)?;
    if !sessions::revoke(&CORE, owner(&by), id, call.now, &written).await? {
        return Err(ApiError::not_found());
    }
    let reply = Reply::new(NoContent).wake(written.wakes());
    Ok(if by.session_id() == Some(id) {
        reply.header(SET_COOKIE, call.site.end_session()?)
    } else {
        reply
    })
}

/// `DELETE /api/auth/sessions`: everywhere, here too, and links for other devices that are still open.
pub(crate) async fn revoke_all(by: Principal, call: Call<()>) -> Result<Reply<NoContent>, ApiError> {
    sessions::revoke_all(&CORE, by.user_id, call.now, call.now).await?;
    links::withdraw_of(&CORE, by.user_id, call.now).await?;
    Ok(Reply::new(NoContent).header(SET_COOKIE, call.site.end_session()?))
}
