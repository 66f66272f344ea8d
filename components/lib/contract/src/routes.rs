//! The route table. A route that is not here does not exist.

use crate::audit::AuditAction as Act;
use crate::http::account::ProfilePatch;
use crate::http::admin::{AuditEntry, AuditQuery, DeadLetter};
use crate::http::auth::{Login, LoginLink, Me, Session};
use crate::http::discovery::{Jwks, OpenApiDocument};
use crate::http::events::EventQuery;
use crate::http::health::{AdminHealth, Health};
use crate::http::invites::{CreateInvite, Invite, NewInvite};
use crate::http::tokens::{ApiToken, CreateToken, NewToken};
use crate::http::users::{SetRole, Suspend, User as UserRow, UserQuery};
use crate::http::work::{Due, HostLink, HostLinkToken, Migrated};
use crate::ids::{ApiTokenId, JobId, LoginLinkId, SessionId, UserId};
use crate::page::{Page, PageQuery};
use crate::route::{
    Admin, AnySession, Body, Created, EventStream, NoContent, Ops, Path, Public, Query, Route, RouteInfo, Superadmin,
    User,
};

macro_rules! routes {
    ($($name:ident: $type:ty = $route:expr;)+) => {
        $(#[doc = concat!("`", stringify!($name), "`: its summary is in the table.")]
        pub const $name: $type = $route;)+

        /// All routes.
        pub const ROUTES: &[RouteInfo] = &[$($name.info()),+];
    };
}

routes! {
    // Signing in. Ten tries a minute are plenty for a person and hopeless against 256 bits.
    LOGIN: Route<Public, Body<Login>, Me> =
        Route::post("login", "identity", "/api/auth/login", Act::Login).at_most(10, 60)
            .about("Redeems a one-time link and starts a session.");
    LOGOUT: Route<AnySession, (), NoContent> =
        Route::post("logout", "identity", "/api/auth/logout", Act::Logout).sessions_only()
            .about("Ends the session of this request.");
    ME: Route<AnySession, (), Me> =
        Route::get("me", "identity", "/api/auth/me").stable()
            .about("Who the caller is. Answers pending users too.");
    LIST_SESSIONS: Route<User, (), Page<Session>> =
        Route::get("listSessions", "identity", "/api/auth/sessions")
            .about("The caller's sessions, newest first.");
    REVOKE_SESSION: Route<User, Path<SessionId>, NoContent> =
        Route::delete("revokeSession", "identity", "/api/auth/sessions/{id}", Act::SessionRevoke).sessions_only()
            .about("Ends one session of the caller.");
    REVOKE_SESSIONS: Route<User, (), NoContent> =
        Route::delete("revokeSessions", "identity", "/api/auth/sessions", Act::SessionRevokeAll).sessions_only()
            .about("Signs the caller out everywhere, here too.");
    CREATE_LOGIN_LINK: Route<User, (), Created<LoginLink>> =
        Route::post("createLoginLink", "identity", "/api/auth/login-links", Act::LoginLinkCreate)
            .sessions_only().at_most(20, 3600)
            .about("Makes a one-time link with which the caller signs in on another device.");

    PATCH_PROFILE: Route<User, Body<ProfilePatch>, UserRow> =
        Route::patch("patchProfile", "identity", "/api/account/profile", Act::ProfileUpdate)
            .about("Changes the caller's name or e-mail address.");

    LIST_TOKENS: Route<User, (), Page<ApiToken>> =
        Route::get("listTokens", "identity", "/api/tokens").stable()
            .about("The caller's API tokens, newest first.");
    CREATE_TOKEN: Route<User, Body<CreateToken>, Created<NewToken>> =
        Route::post("createToken", "identity", "/api/tokens", Act::TokenCreate).sessions_only().at_most(60, 3600)
            .about("Makes an API token; the secret is in this answer only.");
    REVOKE_TOKEN: Route<User, Path<ApiTokenId>, NoContent> =
        Route::delete("revokeToken", "identity", "/api/tokens/{id}", Act::TokenRevoke).sessions_only()
            .about("Revokes an API token.");

    LIST_USERS: Route<Admin, Query<UserQuery>, Page<UserRow>> =
        Route::get("listUsers", "identity", "/api/admin/users").stable()
            .about("All users, newest first.");
    APPROVE_USER: Route<Admin, Path<UserId>, UserRow> =
        Route::post("approveUser", "identity", "/api/admin/users/{id}/approve", Act::UserApprove).stable()
            .about("Lets a pending user in.");
    SUSPEND_USER: Route<Admin, (Path<UserId>, Body<Suspend>), UserRow> =
        Route::post("suspendUser", "identity", "/api/admin/users/{id}/suspend", Act::UserSuspend).stable()
            .about("Locks a user out and ends their sessions.");
    REINSTATE_USER: Route<Admin, Path<UserId>, UserRow> =
        Route::post("reinstateUser", "identity", "/api/admin/users/{id}/reinstate", Act::UserReinstate).stable()
            .about("Lets a suspended user back in.");
    SET_ROLE: Route<Superadmin, (Path<UserId>, Body<SetRole>), UserRow> =
        Route::put("setUserRole", "identity", "/api/admin/users/{id}/role", Act::UserRoleSet).stable()
            .about("Gives a user another role.");

    LIST_INVITES: Route<Admin, Query<PageQuery>, Page<Invite>> =
        Route::get("listInvites", "identity", "/api/admin/invites").stable()
            .about("Open invitations, newest first.");
    CREATE_INVITE: Route<Admin, Body<CreateInvite>, Created<NewInvite>> =
        Route::post("createInvite", "identity", "/api/admin/invites", Act::InviteCreate).sessions_only()
            .about("Makes a one-time invitation; the link is in this answer only.");
    REVOKE_INVITE: Route<Admin, Path<LoginLinkId>, NoContent> =
        Route::delete("revokeInvite", "identity", "/api/admin/invites/{id}", Act::InviteRevoke).stable()
            .about("Withdraws an invitation.");

    LIST_AUDIT: Route<Superadmin, Query<AuditQuery>, Page<AuditEntry>> =
        Route::get("listAudit", "ops", "/api/admin/audit").stable()
            .about("The audit log, newest first.");
    ADMIN_HEALTH: Route<Admin, (), AdminHealth> =
        Route::get("adminHealth", "ops", "/api/admin/health").stable()
            .about("Each part, queue and schema.");
    LIST_DEAD_LETTERS: Route<Admin, Query<PageQuery>, Page<DeadLetter>> =
        Route::get("listDeadLetters", "ops", "/api/admin/dead-letters").stable()
            .about("Jobs that failed too often, newest first.");
    RETRY_DEAD_LETTER: Route<Admin, Path<JobId>, NoContent> =
        Route::post("retryDeadLetter", "ops", "/api/admin/dead-letters/{id}/retry", Act::JobRetry).stable()
            .about("Puts a parked job back into its queue.");

    EVENTS: Route<User, Query<EventQuery>, EventStream> =
        Route::get("events", "ops", "/api/events").stable()
            .about("Server-sent events of the caller's account; the cursor is `after` or `Last-Event-ID`.");
    OPENAPI: Route<Public, (), OpenApiDocument> =
        Route::get("openapi", "ops", "/api/openapi.json").stable()
            .about("This document.");
    JWKS: Route<Public, (), Jwks> =
        Route::get("jwks", "ops", "/.well-known/jwks.json").stable()
            .about("Public keys with which signed tokens are checked.");
    HEALTH: Route<Public, (), Health> =
        Route::get("health", "ops", "/health").stable()
            .about("Whether the system is well; 503 with the failing parts when it is not.");

    // The host beside us.
    MIGRATE: Route<Ops, (), Migrated> =
        Route::post("migrate", "ops", "/_work/migrate", Act::SchemaMigrate).host()
            .about("Applies new migrations. The host serves nobody before it succeeded.");
    DUE: Route<Ops, (), Due> =
        Route::ask("due", "ops", "/_work/due")
            .about("Which queues have work.");
    HOST_LINK: Route<Ops, Body<HostLink>, HostLinkToken> =
        Route::post("hostLink", "identity", "/_work/login-link", Act::FirstRunLinkCreate).host()
            .about("Makes a one-time link for the operator.");
}
