//! One-time links: for the first run, another device, an invitation, or an operator who lost their way in.
//!
//! ```text
//!   open ──redeem──▶ used          A link is redeemed at most once: the store marks it used in one conditional
//!     │                            statement, and only who wins that gets the session.
//!     └──expires_at──▶ expired
//! ```

use crate::profile::{self, EmailProblem, TextProblem};
use crate::users::{Role, Status};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The operator's first sign-in: makes the superadministrator.
    FirstRun,
    /// A user signs in on another device.
    Device,
    /// A new user comes in.
    Invite,
    /// The operator starts the host again and wants to sign in as the superadministrator.
    Recovery,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::FirstRun, Self::Device, Self::Invite, Self::Recovery];

    /// The purpose of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == name)
    }

    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstRun => "first-run",
            Self::Device => "device",
            Self::Invite => "invite",
            Self::Recovery => "recovery",
        }
    }
}

/// A link as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// What it is for.
    pub purpose: Purpose,
    /// Role of the user that an invitation makes.
    pub role: Role,
    /// Not valid after.
    pub expires_at: i64,
    /// When it was redeemed.
    pub used_at: Option<i64>,
}

/// What the person who redeems a link says about themself; looked at only when a user is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Introduction<'a> {
    /// Shown name.
    pub name: Option<&'a str>,
    /// E-mail address.
    pub email: Option<&'a str>,
}

/// What happens when a link is redeemed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redemption {
    /// The user that the link belongs to is signed in.
    SignIn,
    /// This user is made and signed in. For the first run: unless there is a superadministrator by now, who is
    /// signed in instead.
    Make(NewUser),
}

/// A user to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Shown name.
    pub name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Whether they may act.
    pub status: Status,
}

/// Why a link cannot be redeemed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was redeemed before.
    #[error("this link was used already: each works once, ask for another")]
    Used,
    /// It is too old.
    #[error("this link has expired: ask for another")]
    Expired,
    /// An invitation needs to know who comes.
    #[error("name: tell us your name to accept the invitation")]
    NoName,
    /// The name is not one.
    #[error("name: {0}")]
    Name(#[source] TextProblem),
    /// The address is not one.
    #[error("email: {0}")]
    Email(#[source] EmailProblem),
}

impl Refusal {
    /// Whether the link is still good and the person may try again.
    pub const fn is_mistake(&self) -> bool {
        matches!(self, Self::NoName | Self::Name(_) | Self::Email(_))
    }
}

/// The name of a superadministrator who has not said another; they can change it in their profile.
const FIRST_NAME: &str = "Operator";

/// Decides what redeeming a link does. Mistakes in the introduction are found here, before the link is used up.
///
/// # Errors
/// Why it cannot be redeemed.
pub fn redeem(link: Link, who: Introduction<'_>, require_approval: bool, now: i64) -> Result<Redemption, Refusal> {
    if link.used_at.is_some() {
        return Err(Refusal::Used);
    }
    if link.expires_at <= now {
        return Err(Refusal::Expired);
    }
    let (role, status, name) = match link.purpose {
        Purpose::Device | Purpose::Recovery => return Ok(Redemption::SignIn),
        Purpose::FirstRun => (Role::Superadmin, Status::Active, who.name.unwrap_or(FIRST_NAME)),
        Purpose::Invite => {
            let status = if require_approval {
                Status::Pending
            } else {
                Status::Active
            };
            (link.role, status, who.name.ok_or(Refusal::NoName)?)
        }
    };
    let name = profile::name(name).map_err(Refusal::Name)?;
    let email = who.email.filter(|email| !email.trim().is_empty()).map(profile::email);
    let email = email.transpose().map_err(Refusal::Email)?;
    Ok(Redemption::Make(NewUser {
        name,
        email,
        role,
        status,
    }))
}

/// Whether an inviter may give the invited this role.
pub fn may_invite(inviter: Role, invited: Role) -> bool {
    match invited {
        Role::User => inviter >= Role::Admin,
        Role::Admin | Role::Superadmin => inviter == Role::Superadmin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: Introduction<'_> = Introduction {
        name: Some(" Ada "),
        email: Some("ada@Example.org"),
    };

    fn link(purpose: Purpose) -> Link {
        Link {
            purpose,
            role: Role::User,
            expires_at: 100,
            used_at: None,
        }
    }

    fn made(name: &str, email: Option<&str>, role: Role, status: Status) -> Result<Redemption, Refusal> {
        Ok(Redemption::Make(NewUser {
            name: name.to_owned(),
            email: email.map(str::to_owned),
            role,
            status,
        }))
    }

    #[test]
    fn each_purpose() {
        let nobody = Introduction::default();
        let ada = Some("ada@example.org");
        let check = |link, who, approval, expect| assert_eq!(redeem(link, who, approval, 99), expect, "{link:?}");
        check(link(Purpose::Device), nobody, true, Ok(Redemption::SignIn));
        check(link(Purpose::Recovery), nobody, true, Ok(Redemption::SignIn));
        check(
            link(Purpose::FirstRun),
            nobody,
            true,
            made("Operator", None, Role::Superadmin, Status::Active),
        );
        check(
            link(Purpose::FirstRun),
            ADA,
            true,
            made("Ada", ada, Role::Superadmin, Status::Active),
        );
        check(
            link(Purpose::Invite),
            ADA,
            true,
            made("Ada", ada, Role::User, Status::Pending),
        );
        check(
            link(Purpose::Invite),
            ADA,
            false,
            made("Ada", ada, Role::User, Status::Active),
        );
        let admin = Link {
            role: Role::Admin,
            ..link(Purpose::Invite)
        };
        check(admin, ADA, true, made("Ada", ada, Role::Admin, Status::Pending));
        let quiet = Introduction {
            email: Some("  "),
            ..ADA
        };
        check(
            link(Purpose::Invite),
            quiet,
            false,
            made("Ada", None, Role::User, Status::Active),
        );
        check(link(Purpose::Invite), nobody, true, Err(Refusal::NoName));
    }

    #[test]
    fn a_link_works_once_and_in_time() {
        for purpose in [Purpose::Device, Purpose::Recovery, Purpose::FirstRun, Purpose::Invite] {
            let check = |link, now, expect| assert_eq!(redeem(link, ADA, true, now).err(), expect, "{link:?} at {now}");
            check(link(purpose), 99, None);
            check(link(purpose), 100, Some(Refusal::Expired));
            check(
                Link {
                    used_at: Some(1),
                    ..link(purpose)
                },
                99,
                Some(Refusal::Used),
            );
            check(
                Link {
                    used_at: Some(1),
                    ..link(purpose)
                },
                100,
                Some(Refusal::Used),
            );
        }
    }

    #[test]
    fn mistakes_leave_the_link_good() {
        let check = |who, expect: &str| {
            let refusal = redeem(link(Purpose::Invite), who, true, 99).unwrap_err();
            assert!(refusal.is_mistake());
            assert!(refusal.to_string().starts_with(expect), "{refusal}");
        };
        check(Introduction::default(), "name: tell us");
        check(
            Introduction {
                name: Some(" "),
                email: None,
            },
            "name: it is empty",
        );
        check(
            Introduction {
                email: Some("ada"),
                ..ADA
            },
            "email: it needs one `@`",
        );
        assert!(!Refusal::Used.is_mistake() && !Refusal::Expired.is_mistake());
    }

    #[test]
    fn who_invites_whom() {
        use Role::{Admin, Superadmin, User};
        let allowed = [
            (Admin, User),
            (Superadmin, User),
            (Superadmin, Admin),
            (Superadmin, Superadmin),
        ];
        for inviter in [User, Admin, Superadmin] {
            for invited in [User, Admin, Superadmin] {
                assert_eq!(may_invite(inviter, invited), allowed.contains(&(inviter, invited)));
            }
        }
    }
}
