//! Redeeming a one-time link: the way in, for everybody.
//!
//! The order of the writes matters: the user is made, then the session, and only then is the link used up. So a crash
//! in between leaves a link that still works and finds the same user. (Only an answer that is lost after the last
//! write costs the link, which is what "one-time" means.) Of two requests with one link both may get this far, but only one is told that it used the link up, and only that one
//! keeps its session.

use sam_contract::error::ErrorCode;
use sam_contract::ids::{RequestId, SessionId};
use sam_domain::links::{Introduction, NewUser, Redemption, Refusal, redeem};
use sam_domain::users::{self as rules, Standing, Status};
use sam_domain::{secrets, sessions as lifetimes};
use sam_kit::db::Db;
use sam_kit::effects::{self, Cause};
use sam_kit::error::ApiError;
use sam_kit::ids;
use sam_kit::reply::Wake;

use crate::routes::sentence;
use crate::store::links::{self, LinkRow};
use crate::store::sessions::{self, SessionRow};
use crate::store::users::{self, UserRow};

/// Who comes, how, and when.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// The secret of the link.
    pub token: &'a str,
    /// What they say about themselves.
    pub who: Introduction<'a>,
    /// What their browser says about itself.
    pub user_agent: &'a str,
    /// The secret of their session to be.
    pub session_secret: &'a str,
    /// When that ends.
    pub expires_at: i64,
    /// Whether new users wait for an administrator.
    pub require_approval: bool,
    /// Now.
    pub now: i64,
    /// The request, so that its events can be found in the log.
    pub request: RequestId,
}

/// Someone who is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// Who.
    pub user: UserRow,
    /// Their new session.
    pub session: SessionId,
    /// Whom to tell.
    pub wakes: Vec<Wake>,
}

/// Redeems a link.
///
/// # Errors
/// When the link is unknown, used or expired, the introduction is not acceptable, or the user is suspended.
pub async fn enter(db: &impl Db, visit: &Visit<'_>) -> Result<Entered, ApiError> {
    let link = match secrets::opaque_hash(visit.token) {
        Some(hash) => links::find(db, hash).await?,
        None => None,
    };
    let link = link.ok_or_else(|| refused("There is no such link: it was withdrawn, or is not complete."))?;
    let redemption = redeem(link.link, visit.who, visit.require_approval, visit.now);
    let (user, mut wakes) = match redemption.map_err(|refusal| explain(&refusal))? {
        Redemption::SignIn => (known(db, &link).await?, Vec::new()),
        Redemption::Make(new) => make(db, &link, &new, visit).await?,
    };
    if user.standing.status == Status::Suspended {
        return Err(suspended());
    }
    let (session, told) = begin(db, &user, visit).await?;
    if !links::consume(db, link.id, user.id, visit.now).await? {
        sessions::forget(db, session).await?;
        return Err(explain(&Refusal::Used));
    }
    let new = told
        .into_iter()
        .filter(|wake| !wakes.contains(wake))
        .collect::<Vec<_>>();
    wakes.extend(new);
    Ok(Entered { user, session, wakes })
}

/// The user that a link belongs to.
async fn known(db: &impl Db, link: &LinkRow) -> Result<UserRow, ApiError> {
    let user = match link.user_id {
        Some(id) => users::find(db, id).await?,
        None => None,
    };
    user.ok_or_else(|| refused("The user of this link does not exist any more."))
}

/// The user that a link makes, or has made before a crash; for a first run that came second, the operator.
async fn make(
    db: &impl Db,
    link: &LinkRow,
    new: &NewUser,
    visit: &Visit<'_>,
) -> Result<(UserRow, Vec<Wake>), ApiError> {
    let standing = Standing {
        role: new.role,
        status: new.status,
        reason: None,
        updated_at: visit.now,
    };
    let (account, user) = users::ids_of(link.id)?;
    let cause = Cause {
        now: visit.now,
        account,
        actor: Some(user),
        request: Some(visit.request),
    };
    let written = effects::write(&rules::joined(&user.to_string(), &standing), &cause)?;
    if let Some(user) = users::make(db, link.id, new, visit.now, &written).await? {
        return Ok((user, written.wakes().to_vec()));
    }
    let operator = users::operator(db).await?;
    Ok((operator.ok_or_else(|| explain(&Refusal::Used))?, Vec::new()))
}

async fn begin(db: &impl Db, user: &UserRow, visit: &Visit<'_>) -> Result<(SessionId, Vec<Wake>), ApiError> {
    let row = SessionRow {
        id: ids::new()?,
        user_agent: lifetimes::user_agent(visit.user_agent),
        created_at: visit.now,
        last_seen_at: visit.now,
        expires_at: visit.expires_at,
    };
    let cause = Cause {
        now: visit.now,
        account: user.account_id,
        actor: Some(user.id),
        request: Some(visit.request),
    };
    let written = effects::write(&lifetimes::started(&row.id.to_string()), &cause)?;
    let hash = secrets::opaque_hash(visit.session_secret);
    let hash = hash.ok_or_else(|| ApiError::internal("a session secret that is none"))?;
    if !sessions::insert(db, (user.account_id, user.id), &row, hash, &written).await? {
        return Err(suspended());
    }
    Ok((row.id, written.wakes().to_vec()))
}

fn suspended() -> ApiError {
    ApiError::forbidden("You were suspended. Ask an administrator.")
}

fn refused(message: &str) -> ApiError {
    ApiError::new(ErrorCode::Unauthorized, message)
}

fn explain(refusal: &Refusal) -> ApiError {
    if refusal.is_mistake() {
        ApiError::bad_request(refusal.to_string())
    } else {
        refused(&sentence(refusal))
    }
}
