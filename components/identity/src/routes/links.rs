//! One-time links: for another device of the user, and for the operator of the host.

use sam_contract::http::auth::LoginLink;
use sam_contract::http::work::{HostLink, HostLinkPurpose, HostLinkToken};
use sam_contract::ids::UserId;
use sam_contract::queues::IDENTITY;
use sam_contract::route::{Body, Created};
use sam_contract::settings::LOGIN_LINK_MINUTES;
use sam_domain::links::{Link, Purpose};
use sam_domain::secrets;
use sam_domain::users::Role;
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;
use sam_kit::reply::Reply;
use sam_kit::{ids, jobs, settings};

use crate::store::links::{self, LinkRow};
use crate::store::users;
use crate::work::PRUNE;

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// What a new link is to be.
pub(super) struct Wish {
    pub(super) purpose: Purpose,
    pub(super) user_id: Option<UserId>,
    pub(super) role: Role,
    pub(super) note: Option<String>,
    pub(super) created_by: Option<UserId>,
    pub(super) life_ms: i64,
}

/// Makes a link and keeps it; the secret is known to the caller only.
pub(super) async fn make(wish: Wish, now: i64) -> Result<(String, LinkRow), ApiError> {
    let secret = secrets::opaque(ids::entropy()?);
    let hash = secrets::opaque_hash(&secret).ok_or_else(|| ApiError::internal("a new link has no hash"))?;
    let row = LinkRow {
        id: ids::new()?,
        user_id: wish.user_id,
        link: Link {
            purpose: wish.purpose,
            role: wish.role,
            expires_at: now.saturating_add(wish.life_ms),
            used_at: None,
        },
        note: wish.note,
        created_by: wish.created_by,
        created_at: now,
    };
    links::insert(&CORE, &row, hash).await?;
    Ok((secret, row))
}

/// Where the web app takes a link's secret: in the fragment, which browsers never send.
pub(super) fn url_path(secret: &str) -> String {
    format!("/login#{secret}")
}

/// `POST /api/auth/login-links`
pub(crate) async fn create(by: Principal, call: Call<()>) -> Result<Reply<Created<LoginLink>>, ApiError> {
    let wish = Wish {
        purpose: Purpose::Device,
        user_id: Some(by.user_id),
        role: by.role,
        note: None,
        created_by: Some(by.user_id),
        life_ms: settings::count(&LOGIN_LINK_MINUTES).await? * MINUTE_MS,
    };
    let (token, row) = make(wish, call.now).await?;
    let made = Created(LoginLink {
        url_path: url_path(&token),
        token,
        expires_at: row.link.expires_at,
    });
    Ok(Reply::new(made).about(&row.id))
}

/// `POST /_work/login-link`: the first superadministrator's way in, and later the operator's.
pub(crate) async fn for_host((): (), call: Call<Body<HostLink>>) -> Result<HostLinkToken, ApiError> {
    let Body(HostLink {
        purpose: HostLinkPurpose::FirstRun,
    }) = call.input;
    // A host asks for a link at each start, which makes this the place to see to the recurring work.
    jobs::ensure(&CORE, &IDENTITY, PRUNE, call.now).await?;
    let operator = users::operator(&CORE).await?;
    let wish = Wish {
        purpose: if operator.is_some() {
            Purpose::Recovery
        } else {
            Purpose::FirstRun
        },
        user_id: operator.map(|user| user.id),
        role: Role::Superadmin,
        note: None,
        created_by: None,
        life_ms: settings::count(&LOGIN_LINK_MINUTES).await? * MINUTE_MS,
    };
    let (token, row) = make(wish, call.now).await?;
    Ok(HostLinkToken {
        token,
        expires_at: row.link.expires_at,
    })
}
