//! Rows and domain values as wire types, written once, by hand.

use sam_contract::http::auth::Session;
use sam_contract::http::invites::Invite;
use sam_contract::http::tokens::{ApiToken, Scope as WireScope};
use sam_contract::http::users::{Role as WireRole, User, UserStatus};
use sam_contract::ids::{SessionId, UserId};
use sam_domain::tokens::Scope;
use sam_domain::users::{Role, Status};

use crate::store::links::LinkRow;
use crate::store::sessions::SessionRow;
use crate::store::tokens::TokenRow;
use crate::store::users::UserRow;

pub(crate) fn user(row: UserRow) -> User {
    User {
        id: row.id,
        account_id: row.account_id,
        name: row.name,
        email: row.email,
        role: role(row.standing.role),
        status: status(row.standing.status),
        status_reason: row.standing.reason,
        created_at: row.created_at,
    }
}

pub(crate) fn session(row: SessionRow, current: Option<SessionId>) -> Session {
    Session {
        id: row.id,
        current: current == Some(row.id),
        user_agent: row.user_agent,
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        expires_at: row.expires_at,
    }
}

pub(crate) fn token(row: TokenRow) -> ApiToken {
    ApiToken {
        id: row.id,
        name: row.grant.name,
        prefix: row.prefix,
        scopes: row.grant.scopes.into_iter().map(scope).collect(),
        created_at: row.created_at,
        expires_at: row.grant.expires_at,
        last_used_at: row.last_used_at,
    }
}

/// An invitation; only those that a user made are any.
pub(crate) fn invite(row: LinkRow, created_by: UserId) -> Invite {
    Invite {
        id: row.id,
        note: row.note,
        role: role(row.link.role),
        created_by,
        created_at: row.created_at,
        expires_at: row.link.expires_at,
    }
}

fn role(role: Role) -> WireRole {
    match role {
        Role::User => WireRole::User,
        Role::Admin => WireRole::Admin,
        Role::Superadmin => WireRole::Superadmin,
    }
}

pub(crate) fn read_role(role: WireRole) -> Role {
    match role {
        WireRole::User => Role::User,
        WireRole::Admin => Role::Admin,
        WireRole::Superadmin => Role::Superadmin,
    }
}

fn status(status: Status) -> UserStatus {
    match status {
        Status::Pending => UserStatus::Pending,
        Status::Active => UserStatus::Active,
        Status::Suspended => UserStatus::Suspended,
    }
}

pub(crate) fn read_status(status: UserStatus) -> Status {
    match status {
        UserStatus::Pending => Status::Pending,
        UserStatus::Active => Status::Active,
        UserStatus::Suspended => Status::Suspended,
    }
}

fn scope(scope: Scope) -> WireScope {
    match scope {
        Scope::Read => WireScope::Read,
        Scope::Write => WireScope::Write,
        Scope::Admin => WireScope::Admin,
    }
}

pub(crate) fn read_scope(scope: WireScope) -> Scope {
    match scope {
        WireScope::Read => Scope::Read,
        WireScope::Write => Scope::Write,
        WireScope::Admin => Scope::Admin,
    }
}
