//! Who may call a route: the one decision behind the guard and behind the authorisation cube test.
//!
//! Whether a credential is genuine and still valid is settled before; here it is a fact. Owner filters are not
//! here either: every query carries the account, so that another account's row is a miss.

use crate::tokens::Scope;
use crate::users::{Role, Status};

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Nothing,
    /// A credential of any user that is not suspended.
    SignedIn,
    /// An active user of at least this role.
    Active(Role),
}

/// What a route asks of an API token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenNeed {
    /// This scope.
    Scope(Scope),
    /// No token will do: the route hands out or ends credentials.
    Refused,
}

/// Who calls, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller<'a> {
    /// Role of the user.
    pub role: Role,
    /// Status of the user.
    pub status: Status,
    /// Scopes of the API token; none when the caller has a session.
    pub token: Option<&'a [Scope]>,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// There is no valid credential.
    NoCredential,
    /// The user waits for an administrator.
    Pending,
    /// The user was locked out.
    Suspended,
    /// No API token may do this.
    TokenRefused,
    /// The API token lacks this scope.
    ScopeMissing(Scope),
    /// The user's role is below this one.
    RoleMissing(Role),
}

/// Decides. A suspended user learns that first, and a token's limits come before its user's role, so that an
/// administrator's read-only token says what is wrong with it.
///
/// # Errors
/// The first reason against it.
pub fn decide(need: Need, token_need: TokenNeed, caller: Option<Caller<'_>>) -> Result<(), Denial> {
    if need == Need::Nothing {
        return Ok(());
    }
    let caller = caller.ok_or(Denial::NoCredential)?;
    if caller.status == Status::Suspended {
        return Err(Denial::Suspended);
    }
    if let Some(scopes) = caller.token {
        match token_need {
            TokenNeed::Refused => return Err(Denial::TokenRefused),
            TokenNeed::Scope(needed) if !covers(scopes, needed) => return Err(Denial::ScopeMissing(needed)),
            TokenNeed::Scope(_) => {}
        }
    }
    match need {
        Need::Active(_) if caller.status == Status::Pending => Err(Denial::Pending),
        Need::Active(role) if caller.role < role => Err(Denial::RoleMissing(role)),
        Need::Nothing | Need::SignedIn | Need::Active(_) => Ok(()),
    }
}

/// A wider scope includes the narrower ones: who may change a thing may read it.
fn covers(scopes: &[Scope], needed: Scope) -> bool {
    scopes.iter().any(|scope| *scope >= needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: TokenNeed = TokenNeed::Scope(Scope::Read);

    fn session(role: Role, status: Status) -> Option<Caller<'static>> {
        Some(Caller {
            role,
            status,
            token: None,
        })
    }

    fn token(role: Role, scopes: &'static [Scope]) -> Option<Caller<'static>> {
        Some(Caller {
            role,
            status: Status::Active,
            token: Some(scopes),
        })
    }

    #[test]
    fn roles_and_status() {
        use Role::{Admin, Superadmin, User};
        use Status::{Active, Pending, Suspended};
        let check = |need, caller, expect| assert_eq!(decide(need, ANY, caller), expect, "{need:?} {caller:?}");
        check(Need::Nothing, None, Ok(()));
        check(Need::Nothing, session(User, Suspended), Ok(()));
        check(Need::SignedIn, None, Err(Denial::NoCredential));
        check(Need::SignedIn, session(User, Pending), Ok(()));
        check(Need::SignedIn, session(User, Suspended), Err(Denial::Suspended));
        check(Need::Active(User), None, Err(Denial::NoCredential));
        check(Need::Active(User), session(User, Pending), Err(Denial::Pending));
        check(Need::Active(User), session(Superadmin, Pending), Err(Denial::Pending));
        check(Need::Active(User), session(User, Active), Ok(()));
        check(Need::Active(User), session(Superadmin, Active), Ok(()));
        check(
            Need::Active(Admin),
            session(User, Active),
            Err(Denial::RoleMissing(Admin)),
        );
        check(Need::Active(Admin), session(Admin, Active), Ok(()));
        check(
            Need::Active(Superadmin),
            session(Admin, Active),
            Err(Denial::RoleMissing(Superadmin)),
        );
        check(Need::Active(Superadmin), session(Superadmin, Active), Ok(()));
        check(
            Need::Active(Superadmin),
            session(Superadmin, Suspended),
            Err(Denial::Suspended),
        );
    }

    #[test]
    fn a_token_never_does_more_than_its_scopes_or_its_user() {
        let check = |need, token_need, caller, expect| {
            assert_eq!(
                decide(need, token_need, caller),
                expect,
                "{need:?} {token_need:?} {caller:?}"
            );
        };
        let user = Need::Active(Role::User);
        let admin = Need::Active(Role::Admin);
        check(user, ANY, token(Role::User, &[Scope::Read]), Ok(()));
        check(
            user,
            ANY,
            token(Role::User, &[]),
            Err(Denial::ScopeMissing(Scope::Read)),
        );
        check(
            user,
            TokenNeed::Scope(Scope::Write),
            token(Role::Superadmin, &[Scope::Read]),
            Err(Denial::ScopeMissing(Scope::Write)),
        );
        check(
            user,
            TokenNeed::Scope(Scope::Read),
            token(Role::User, &[Scope::Write]),
            Ok(()),
        );
        check(
            user,
            TokenNeed::Scope(Scope::Write),
            token(Role::User, &[Scope::Admin]),
            Ok(()),
        );
        check(
            admin,
            TokenNeed::Scope(Scope::Admin),
            token(Role::Superadmin, &[Scope::Read, Scope::Write]),
            Err(Denial::ScopeMissing(Scope::Admin)),
        );
        check(
            user,
            TokenNeed::Refused,
            token(Role::Superadmin, &[Scope::Admin]),
            Err(Denial::TokenRefused),
        );
        check(user, TokenNeed::Refused, session(Role::User, Status::Active), Ok(()));
        check(
            admin,
            TokenNeed::Scope(Scope::Admin),
            token(Role::User, &[Scope::Read, Scope::Write, Scope::Admin]),
            Err(Denial::RoleMissing(Role::Admin)),
        );
        check(
            admin,
            TokenNeed::Scope(Scope::Admin),
            token(Role::Admin, &[Scope::Admin]),
            Ok(()),
        );
    }
}
