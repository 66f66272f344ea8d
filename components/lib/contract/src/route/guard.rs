//! Who may call a route, as types (for the compiler) and as values (for the table).

use super::Method;
use crate::http::tokens::Scope;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Everyone.
    Public,
    /// Whoever is signed in, even while pending.
    AnySession,
    /// An active user.
    User,
    /// An active administrator or superadministrator.
    Admin,
    /// An active superadministrator.
    Superadmin,
    /// The host, with the ops token.
    Ops,
    /// An enrolled machine, with a token that it signed itself.
    Node,
}

/// What a personal API token needs to call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenAccess {
    /// This scope.
    Scope(Scope),
    /// Tokens are refused: the route hands out or ends credentials, or is not for users at all.
    Never,
}

/// A guard, as a type. `kit` gives each its principal.
pub trait Guard: 'static {
    /// The same as a value.
    const AUTH: Auth;
}

macro_rules! guards {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {$(
        $(#[doc = $doc])+
        pub struct $name;
        impl Guard for $name {
            const AUTH: Auth = Auth::$name;
        }
    )+};
}

guards! {
    /// Everyone may call the route.
    Public;
    /// Whoever is signed in may, even while pending.
    AnySession;
    /// An active user may.
    User;
    /// An active administrator or superadministrator may.
    Admin;
    /// An active superadministrator may.
    Superadmin;
    /// The host may, with the ops token.
    Ops;
    /// An enrolled machine may, with a token that it signed itself.
    Node;
}

pub(super) const fn default_token_access(auth: Auth, method: Method) -> TokenAccess {
    match auth {
        Auth::Public | Auth::Ops | Auth::Node => TokenAccess::Never,
        Auth::Admin | Auth::Superadmin => TokenAccess::Scope(Scope::Admin),
        Auth::User | Auth::AnySession if method.is_safe() => TokenAccess::Scope(Scope::Read),
        Auth::User | Auth::AnySession => TokenAccess::Scope(Scope::Write),
    }
}
