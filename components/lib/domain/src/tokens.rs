//! Personal API tokens: what one may be made for, and for how long.

use crate::effects::Effects;
use crate::profile::{self, TextProblem};

/// What a token may be used for; its user's role limits it further. Each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Reading.
    Read,
    /// Changing things in the account.
    Write,
    /// Administration.
    Admin,
}

impl Scope {
    /// All of them, the narrowest first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// The scope of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

/// Longest name, in characters.
pub const NAME_CHARS_MAX: usize = 60;

/// Longest life of a token that ends at all, in days: five years.
pub const LIFE_DAYS_MAX: u32 = 1_826;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// A token that may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Tidied name.
    pub name: String,
    /// Each scope once, in order.
    pub scopes: Vec<Scope>,
    /// Not valid after; none means never.
    pub expires_at: Option<i64>,
}

/// Why a token cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The name is not one.
    #[error("name: {0}")]
    Name(#[source] TextProblem),
    /// A token without a scope could do nothing.
    #[error("scopes: name at least one of `read`, `write` and `admin`")]
    NoScope,
    /// Only administrators have anything to administrate.
    #[error("scopes: `admin` needs an administrator")]
    AdminScope,
    /// Out of range.
    #[error("expires_in_days: {0} is not between 1 and {LIFE_DAYS_MAX}; leave it out for a token that does not end")]
    Life(u32),
    /// The user has as many as one may have.
    #[error("{0} API tokens are as many as one user may have: revoke one first")]
    TooMany(i64),
}

/// Decides what a new token may be.
///
/// # Errors
/// The first thing that is wrong with the wish.
pub fn grant(
    name: &str,
    scopes: &[Scope],
    life_days: Option<u32>,
    may_administrate: bool,
    now: i64,
) -> Result<Grant, Refusal> {
    let name = profile::line(name, NAME_CHARS_MAX).map_err(Refusal::Name)?;
    let mut scopes = scopes.to_vec();
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(Refusal::NoScope);
    }
    if scopes.contains(&Scope::Admin) && !may_administrate {
        return Err(Refusal::AdminScope);
    }
    let expires_at = match life_days {
        None => None,
        Some(days @ 1..=LIFE_DAYS_MAX) => Some(now.saturating_add(i64::from(days) * DAY_MS)),
        Some(days) => return Err(Refusal::Life(days)),
    };
    Ok(Grant {
        name,
        scopes,
        expires_at,
    })
}

/// What a new token brings about.
pub fn created(token: &str) -> Effects {
    Effects::event("api_token.created", 1, vec![("token_id", token.into())])
}

/// What its revocation brings about.
pub fn revoked(token: &str) -> Effects {
    Effects::event("api_token.revoked", 1, vec![("token_id", token.into())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_token_may_be() {
        use Scope::{Admin, Read, Write};
        let check = |name, scopes: &[Scope], days, admin, expect: Result<(&str, &[Scope], Option<i64>), &str>| {
            let got = grant(name, scopes, days, admin, 1_000);
            let got = got.map_err(|refusal| refusal.to_string());
            let expect = expect.map(|(name, scopes, expires_at)| Grant {
                name: name.to_owned(),
                scopes: scopes.to_vec(),
                expires_at,
            });
            match (&got, &expect) {
                (Err(got), Err(expect)) => assert!(got.contains(expect), "{got}"),
                _ => assert_eq!(got, expect.map_err(str::to_owned)),
            }
        };
        check(" ci ", &[Read], None, false, Ok(("ci", &[Read], None)));
        check(
            "ci",
            &[Write, Read, Write],
            Some(1),
            false,
            Ok(("ci", &[Read, Write], Some(86_401_000))),
        );
        check("ci", &[Admin], None, true, Ok(("ci", &[Admin], None)));
        check("ci", &[Admin, Read], None, false, Err("`admin` needs an administrator"));
        check("ci", &[], None, true, Err("at least one"));
        check("  ", &[Read], None, true, Err("name: it is empty"));
        check("ci", &[Read], Some(0), true, Err("0 is not between 1 and 1826"));
        check("ci", &[Read], Some(1_827), true, Err("1827 is not between"));
    }
}
