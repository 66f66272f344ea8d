//! Signing in with a one-time link, signing out, and who one is.

use http::header::SET_COOKIE;
use sam_contract::error::ErrorCode;
use sam_contract::http::auth::{Login, Me};
use sam_contract::ids::SessionId;
use sam_contract::route::{Body, NoContent};
use sam_contract::settings::{REQUIRE_APPROVAL, SESSION_DAYS};
use sam_domain::links::{Introduction, NewUser, Redemption, Refusal, redeem};
use sam_domain::users::{self as rules, Standing, Status};
use sam_domain::{secrets, sessions as lifetimes};
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::effects::{self, Cause, Written};
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;
use sam_kit::reply::Reply;
use sam_kit::{ids, settings};

use super::{own_effects, owner};
use crate::store::links::{self, LinkRow};
use crate::store::sessions::{self, SessionRow};
use crate::store::users::{self, UserRow};
use crate::wire;

/// `POST /api/auth/login`
///
/// The order matters: the user is made, then the session, and only then is the link used up. So a crash in between
/// leaves a link that still works and finds the same user, never someone who is locked out. Of two requests with one
/// link both may get this far, but only one is told that it used the link up, and only that one gets the cookie.
pub(crate) async fn login((): (), call: Call<Body<Login>>) -> Result<Reply<Me>, ApiError> {
    let Body(wish) = &call.input;
    let session_days = settings::count(&SESSION_DAYS).await?;
    let expires_at = lifetimes::expires_at(call.now, session_days);
    let secret = secrets::opaque(ids::entropy()?);
    let cookie = call.site.start_session(&secret, (expires_at - call.now) / 1_000)?;

    let link = match secrets::opaque_hash(&wish.token) {
        Some(hash) => links::find(&CORE, hash).await?,
        None => None,
    };
    let link = link.ok_or_else(|| refused("There is no such link: it was withdrawn, or is not complete."))?;
    let who = Introduction {
        name: wish.name.as_deref(),
        email: wish.email.as_deref(),
    };
    let require_approval = settings::flag(&REQUIRE_APPROVAL).await?;
    let (user, joined) =
        match redeem(link.link, who, require_approval, call.now).map_err(|refusal| explain(&refusal))? {
            Redemption::SignIn => (known(&link).await?, Written::default()),
            Redemption::Make(new) => make(&link, &new, &call).await?,
        };
    if user.standing.status == Status::Suspended {
        return Err(ApiError::forbidden("You were suspended. Ask an administrator."));
    }
    let (session, started) = begin(&user, &secret, expires_at, &call).await?;
    if !links::consume(&CORE, link.id, user.id, call.now).await? {
        sessions::forget(&CORE, session).await?;
        return Err(explain(&Refusal::Used));
    }
    let me = Me {
        account_id: user.account_id,
        session_id: Some(session),
        user: wire::user(user),
    };
    Ok(Reply::new(me)
        .header(SET_COOKIE, cookie)
        .wake(joined.wakes())
        .wake(started.wakes()))
}

/// The user that a link belongs to.
async fn known(link: &LinkRow) -> Result<UserRow, ApiError> {
    let user = match link.user_id {
        Some(id) => users::find(&CORE, id).await?,
        None => None,
    };
    user.ok_or_else(|| refused("The user of this link does not exist any more."))
}

/// The user that a link makes, or has made before a crash; for a first run that came second, the operator.
async fn make(link: &LinkRow, new: &NewUser, call: &Call<Body<Login>>) -> Result<(UserRow, Written), ApiError> {
    let standing = Standing {
        role: new.role,
        status: new.status,
        reason: None,
        updated_at: call.now,
    };
    let (account, user) = users::ids_of(link.id)?;
    let cause = Cause {
        now: call.now,
        account,
        actor: Some(user),
        request: Some(call.request_id),
    };
    let written = effects::write(&rules::joined(&user.to_string(), &standing), &cause)?;
    if let Some(user) = users::make(&CORE, link.id, new, call.now, &written).await? {
        return Ok((user, written));
    }
    let operator = users::operator(&CORE).await?.ok_or_else(|| explain(&Refusal::Used))?;
    Ok((operator, Written::default()))
}

async fn begin(
    user: &UserRow,
    secret: &str,
    expires_at: i64,
    call: &Call<Body<Login>>,
) -> Result<(SessionId, Written), ApiError> {
    let row = SessionRow {
        id: ids::new()?,
        user_agent: lifetimes::user_agent(call.header("user-agent")),
        created_at: call.now,
        last_seen_at: call.now,
        expires_at,
    };
    let cause = Cause {
        now: call.now,
        account: user.account_id,
        actor: Some(user.id),
        request: Some(call.request_id),
    };
    let written = effects::write(&lifetimes::started(&row.id.to_string()), &cause)?;
    let hash = secrets::opaque_hash(secret).ok_or_else(|| ApiError::internal("a new session has no hash"))?;
    sessions::insert(&CORE, (user.account_id, user.id), &row, hash, &written).await?;
    Ok((row.id, written))
}

fn refused(message: &str) -> ApiError {
    ApiError::new(ErrorCode::Unauthorized, message)
}

fn explain(refusal: &Refusal) -> ApiError {
    if refusal.is_mistake() {
        ApiError::bad_request(refusal.to_string())
    } else {
        refused(&refusal.to_string())
    }
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
