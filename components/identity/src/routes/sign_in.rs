//! Signing in with a one-time link, signing out, and who one is.

use http::header::SET_COOKIE;
use sam_contract::http::auth::{Login, Me};
use sam_contract::route::{Body, NoContent};
use sam_contract::settings::{REQUIRE_APPROVAL, SESSION_DAYS};
use sam_domain::links::Introduction;
use sam_domain::{secrets, sessions as lifetimes};
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;
use sam_kit::reply::Reply;
use sam_kit::{ids, settings};

use super::{own_effects, owner};
use crate::redemption::{Entered, Visit, enter};
use crate::store::{sessions, users};
use crate::wire;

/// `POST /api/auth/login`
pub(crate) async fn login((): (), call: Call<Body<Login>>) -> Result<Reply<Me>, ApiError> {
    let Body(wish) = &call.input;
    let expires_at = lifetimes::expires_at(call.now, settings::count(&SESSION_DAYS).await?);
    let secret = secrets::opaque(ids::entropy()?);
    // First of all, because where no cookie may be set the link should stay good.
    let cookie = call.site.start_session(&secret, (expires_at - call.now) / 1_000)?;
    let visit = Visit {
        token: &wish.token,
        who: Introduction {
            name: wish.name.as_deref(),
            email: wish.email.as_deref(),
        },
        user_agent: call.header("user-agent"),
        session_secret: &secret,
        expires_at,
        require_approval: settings::flag(&REQUIRE_APPROVAL).await?,
        now: call.now,
        request: call.request_id,
    };
    let Entered { user, session, wakes } = enter(&CORE, &visit).await?;
    let (user_id, account_id) = (user.id, user.account_id);
    let me = Me {
        account_id,
        session_id: Some(session),
        user: wire::user(user),
    };
    let reply = Reply::new(me).header(SET_COOKIE, cookie).wake(&wakes);
    Ok(reply.by(user_id, account_id).about(&session))
}

/// `POST /api/auth/logout`
pub(crate) async fn logout(by: Principal, call: Call<()>) -> Result<Reply<NoContent>, ApiError> {
    let mut reply = Reply::new(NoContent).header(SET_COOKIE, call.site.end_session()?);
    if let Some(session) = by.session_id() {
        let written = own_effects(&lifetimes::ended(&session.to_string()), &by, &call)?;
        sessions::revoke(&CORE, owner(&by), session, call.now, &written).await?;
        reply = reply.wake(written.wakes());
    }
    Ok(reply)
}

/// `GET /api/auth/me`
pub(crate) async fn me(by: Principal, _: Call<()>) -> Result<Me, ApiError> {
    let user = users::find(&CORE, by.user_id).await?.ok_or_else(ApiError::not_found)?;
    Ok(Me {
        account_id: by.account_id,
        session_id: by.session_id(),
        user: wire::user(user),
    })
}
