//! Who calls. A handler cannot be reached without the principal of its route's guard.
//!
//! A request has at most one credential: `authorization: Bearer` (a personal API token, the ops token on routes of the
//! host, or a token that a machine signed itself on routes of agents), else the session cookie. Whether a user's is
//! enough is decided by `domain::access`.

mod credential;
pub mod machine;
#[cfg(test)]
mod tests;

use http::{HeaderMap, Method};
use sam_contract::error::ErrorCode;
use sam_contract::ids::{AccountId, ApiTokenId, NodeId, SessionId, UserId};
use sam_contract::route::{self, Auth, Guard, RouteInfo, TokenAccess};
use sam_contract::settings::OPS_TOKEN;
use sam_domain::access::{self, Denial, Need, TokenNeed};
use sam_domain::tokens::Scope;
use sam_domain::users::{Role, Status};

use crate::db::Db;
use crate::error::ApiError;
use crate::settings;
use crate::site::Site;

/// With what a principal came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A browser session.
    Session(SessionId),
    /// A personal API token.
    Token(ApiTokenId, Vec<Scope>),
}

/// A user who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who.
    pub user_id: UserId,
    /// In which account: every query filters by it.
    pub account_id: AccountId,
    /// What they may do.
    pub role: Role,
    /// Whether they may act. Active, but for routes of `AnySession`.
    pub status: Status,
    /// With what.
    pub credential: Credential,
}

impl Principal {
    /// The session, unless a token asks.
    pub fn session_id(&self) -> Option<SessionId> {
        match &self.credential {
            Credential::Session(id) => Some(*id),
            Credential::Token(..) => None,
        }
    }
}

/// A machine that was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodePrincipal {
    /// Which node.
    pub node_id: NodeId,
    /// Whose: every query filters by it.
    pub account_id: AccountId,
    /// Of its newest process.
    pub epoch: i64,
}

/// Whoever presented a good credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A person, or a script of theirs.
    User(Principal),
    /// A machine.
    Node(NodePrincipal),
}

impl Caller {
    /// The user, unless it is a machine.
    pub fn user(&self) -> Option<&Principal> {
        match self {
            Self::User(principal) => Some(principal),
            Self::Node(_) => None,
        }
    }

    fn into_user(self) -> Option<Principal> {
        match self {
            Self::User(principal) => Some(principal),
            Self::Node(_) => None,
        }
    }

    fn into_node(self) -> Option<NodePrincipal> {
        match self {
            Self::User(_) => None,
            Self::Node(principal) => Some(principal),
        }
    }

    /// Tells callers apart in rate limits.
    pub fn name(&self) -> String {
        match self {
            Self::User(principal) => principal.user_id.to_string(),
            Self::Node(principal) => principal.node_id.to_string(),
        }
    }
}

/// The principal that goes with a guard.
pub trait Admits: Guard {
    /// What the handler gets.
    type Principal: Send + 'static;

    /// Makes it of whoever was let in.
    fn principal(caller: Option<Caller>) -> Option<Self::Principal>;
}

macro_rules! admits {
    ($($guard:ident: $principal:ty = |$caller:ident| $expr:expr;)+) => {$(
        impl Admits for route::$guard {
            type Principal = $principal;
            fn principal($caller: Option<Caller>) -> Option<$principal> {
                $expr
            }
        }
    )+};
}

admits! {
    Public: () = |_caller| Some(());
    Ops: () = |_caller| Some(());
    AnySession: Principal = |caller| caller.and_then(Caller::into_user);
    User: Principal = |caller| caller.and_then(Caller::into_user);
    Admin: Principal = |caller| caller.and_then(Caller::into_user);
    Superadmin: Principal = |caller| caller.and_then(Caller::into_user);
    Node: NodePrincipal = |caller| caller.and_then(Caller::into_node);
}

/// The part of a request that the guard looks at.
pub struct Knock<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path, without the query.
    pub path: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// How the browser sees us.
    pub site: &'a Site,
    /// Now.
    pub now: i64,
}

/// How the guard answered: who it is, as far as known, and whether they may.
pub struct Verdict {
    /// Known even when refused, so that the audit log can name them.
    pub caller: Option<Caller>,
    /// May they?
    pub decision: Result<(), ApiError>,
}

/// Decides about a request to a route.
///
/// # Errors
/// Only when the database or the vault fails; a refusal is a verdict.
pub async fn admit(db: &impl Db, route: &RouteInfo, knock: &Knock<'_>) -> Result<Verdict, ApiError> {
    let refused = |error| {
        Ok(Verdict {
            caller: None,
            decision: Err(error),
        })
    };
    match route.auth {
        Auth::Public if !route.method.is_safe() && !knock.site.is_own_page(knock.headers, false) => {
            return refused(foreign_page());
        }
        Auth::Public => {
            return Ok(Verdict {
                caller: None,
                decision: Ok(()),
            });
        }
        Auth::Ops => {
            return Ok(Verdict {
                caller: None,
                decision: host_only(knock.headers).await,
            });
        }
        Auth::Node => {
            return match machine::find(db, knock).await? {
                Ok(found) => Ok(Verdict {
                    caller: Some(Caller::Node(found)),
                    decision: Ok(()),
                }),
                Err(refusal) => refused(refusal.explain(knock.now)),
            };
        }
        Auth::AnySession | Auth::User | Auth::Admin | Auth::Superadmin => {}
    }
    let Some(found) = credential::find(db, knock).await? else {
        return refused(unauthorized("Sign in, or send a valid API token."));
    };
    let by_cookie = matches!(found.credential, Credential::Session(_));
    if by_cookie && !route.method.is_safe() && !knock.site.is_own_page(knock.headers, true) {
        return Ok(Verdict {
            caller: Some(Caller::User(found)),
            decision: Err(foreign_page()),
        });
    }
    let decision = decide(route, &found).map_err(|denial| explain(denial, route));
    Ok(Verdict {
        caller: Some(Caller::User(found)),
        decision,
    })
}

/// Lets the host in, by its ops token.
///
/// # Errors
/// When it is not the host, or the vault cannot tell.
pub async fn host_only(headers: &HeaderMap) -> Result<(), ApiError> {
    let genuine = match credential::bearer(headers) {
        Some(token) => settings::matches(&OPS_TOKEN, token).await?,
        None => false,
    };
    if genuine {
        Ok(())
    } else {
        Err(unauthorized("This is for the host only."))
    }
}

fn decide(route: &RouteInfo, principal: &Principal) -> Result<(), Denial> {
    let need = match route.auth {
        // Decided above, before anybody is looked up.
        Auth::Public | Auth::Ops | Auth::Node => Need::Nothing,
        Auth::AnySession => Need::SignedIn,
        Auth::User => Need::Active(Role::User),
        Auth::Admin => Need::Active(Role::Admin),
        Auth::Superadmin => Need::Active(Role::Superadmin),
    };
    let token_need = match route.tokens {
        TokenAccess::Never => TokenNeed::Refused,
        TokenAccess::Scope(scope) => TokenNeed::Scope(credential::domain_scope(scope)),
    };
    let token = match &principal.credential {
        Credential::Session(_) => None,
        Credential::Token(_, scopes) => Some(scopes.as_slice()),
    };
    access::decide(
        need,
        token_need,
        Some(access::Caller {
            role: principal.role,
            status: principal.status,
            token,
        }),
    )
}

fn unauthorized(message: &str) -> ApiError {
    ApiError::new(ErrorCode::Unauthorized, message)
}

fn foreign_page() -> ApiError {
    ApiError::forbidden("This request does not come from a page of this site.")
}

fn explain(denial: Denial, route: &RouteInfo) -> ApiError {
    match denial {
        Denial::NoCredential => unauthorized("Sign in, or send a valid API token."),
        Denial::Pending => ApiError::new(
            ErrorCode::ApprovalRequired,
            "An administrator has to approve you first.",
        ),
        Denial::Suspended => ApiError::forbidden("You were suspended. Ask an administrator."),
        Denial::TokenRefused => ApiError::forbidden("API tokens may not do this. Sign in with a browser."),
        Denial::ScopeMissing(scope) => ApiError::forbidden(format!(
            "This API token lacks the scope `{}`.",
            credential::scope_text(scope)
        )),
        Denial::RoleMissing(role) => ApiError::forbidden(format!("`{}` needs the role `{}`.", route.id, role.as_str())),
    }
}
