//! Users: who may come in, and what administrators decide about them.
//!
//! ```text
//!                    approve                  suspend
//!   invited ─▶ pending ───────────▶ active ──────────────▶ suspended
//!      │          │                 ▲  ▲ ◀──────────────────┘ ▲
//!      │          │                 │  role                   │
//!      │          └─────────────────┼─────────────────────────┘ suspend (turned away)
//!      └────────────────────────────┘ when no approval is asked for
//! ```
//!
//! `pending` and `suspended` wait for a person, not for a machine, and so have no deadline. Leaving a user without
//! credentials is a job: the guard refuses a suspended user at once, and `revoke-credentials` makes sure that none
//! of their old sessions and tokens comes back to life with a later reinstatement.

use crate::effects::{Effects, Facts, NewJob};
use crate::profile::{self, TextProblem};

/// What a user may do. The order is the order of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Works in the own account.
    User,
    /// Also manages users and invitations.
    Admin,
    /// Also gives roles and reads the audit log.
    Superadmin,
}

/// Whether a user may act at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Waits for an administrator.
    Pending,
    /// May act.
    Active,
    /// Locked out.
    Suspended,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::User, Self::Admin, Self::Superadmin];

    /// The role of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
            Self::Superadmin => "superadmin",
        }
    }
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Active, Self::Suspended];

    /// The status of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

/// The state of a user that administrators decide about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What they may do.
    pub role: Role,
    /// Whether they may act.
    pub status: Status,
    /// Why, in an administrator's words.
    pub reason: Option<String>,
    /// When it was decided.
    pub updated_at: i64,
}

/// What an administrator decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Lets a pending user in.
    Approve,
    /// Locks a user out; the reason is shown to them.
    Suspend(Option<String>),
    /// Lets a suspended user back in.
    Reinstate,
    /// Gives another role.
    SetRole(Role),
}

/// Who decides, about whom.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Role of the one who decides.
    pub role: Role,
    /// Whether it is the user themself.
    pub is_self: bool,
    /// Id of the user it is about; names the job.
    pub user: String,
    /// Whether another active superadministrator remains. The store asks again in the same statement as it writes.
    pub superadmin_remains: bool,
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody decides about themself.
    #[error("you cannot do this to yourself: ask another administrator")]
    Oneself,
    /// An administrator is needed.
    #[error("only administrators decide about users")]
    NotAdmin,
    /// A superadministrator is needed.
    #[error("only a superadministrator decides about roles and about superadministrators")]
    NotSuperadmin,
    /// Without one, nobody could give roles any more.
    #[error("this is the last active superadministrator: make another one first")]
    LastSuperadmin,
    /// The user is in another state.
    #[error("the user is {}, not {wanted}", .is.as_str())]
    WrongStatus {
        /// What they are.
        is: Status,
        /// What they would have to be.
        wanted: &'static str,
    },
    /// The reason cannot be shown.
    #[error("reason: {0}")]
    Reason(#[source] TextProblem),
}

/// How a refusal is answered.
impl Refusal {
    /// Whether the caller may not, as opposed to: it cannot be done now.
    pub const fn is_forbidden(&self) -> bool {
        matches!(self, Self::Oneself | Self::NotAdmin | Self::NotSuperadmin)
    }
}

/// Takes a decision.
///
/// # Errors
/// Why it cannot be taken; nothing changes then.
pub fn step(state: &Standing, by: &Actor, decision: Decision, now: i64) -> Result<(Standing, Effects), Refusal> {
    may_decide(state, by, &decision)?;
    let new = |status, role, reason| Standing {
        role,
        status,
        reason,
        updated_at: now,
    };
    let next = match (decision, state.status) {
        (Decision::Approve, Status::Pending) => new(Status::Active, state.role, None),
        (Decision::Reinstate, Status::Suspended) => new(Status::Active, state.role, None),
        (Decision::Suspend(reason), Status::Active | Status::Pending) => {
            let reason = reason
                .as_deref()
                .map_or(Ok(None), profile::note)
                .map_err(Refusal::Reason)?;
            new(Status::Suspended, state.role, reason)
        }
        (Decision::SetRole(role), status) => new(status, role, state.reason.clone()),
        (Decision::Approve, is) => return Err(Refusal::WrongStatus { is, wanted: "pending" }),
        (Decision::Reinstate, is) => {
            return Err(Refusal::WrongStatus {
                is,
                wanted: "suspended",
            });
        }
        (Decision::Suspend(_), is) => {
            return Err(Refusal::WrongStatus {
                is,
                wanted: "active or pending",
            });
        }
    };
    if takes_power(state, &next) && !by.superadmin_remains {
        return Err(Refusal::LastSuperadmin);
    }
    let effects = effects(state, &next, &by.user, now);
    Ok((next, effects))
}

fn may_decide(state: &Standing, by: &Actor, decision: &Decision) -> Result<(), Refusal> {
    if by.is_self {
        return Err(Refusal::Oneself);
    }
    if by.role < Role::Admin {
        return Err(Refusal::NotAdmin);
    }
    let about_power = state.role == Role::Superadmin || matches!(decision, Decision::SetRole(_));
    if about_power && by.role < Role::Superadmin {
        return Err(Refusal::NotSuperadmin);
    }
    Ok(())
}

/// Whether a change makes one active superadministrator fewer.
pub fn takes_power(old: &Standing, new: &Standing) -> bool {
    let has = |standing: &Standing| standing.role == Role::Superadmin && standing.status == Status::Active;
    has(old) && !has(new)
}

fn effects(old: &Standing, new: &Standing, user: &str, now: i64) -> Effects {
    let mut effects = Effects::default();
    if old.status != new.status {
        let kind = match (old.status, new.status) {
            (Status::Pending, Status::Active) => "user.approved",
            (_, Status::Suspended) => "user.suspended",
            _ => "user.reinstated",
        };
        effects = effects.and(Effects::event(kind, 1, about(user, new)));
    }
    if old.role != new.role {
        effects = effects.and(Effects::event("user.role_set", 1, about(user, new)));
    }
    if new.status == Status::Suspended && old.status != Status::Suspended {
        effects = effects.and(Effects::job(revoke_credentials(user, now)));
    }
    effects
}

/// What a new user's arrival brings about: administrators hear of whoever waits for them.
pub fn joined(user: &str, standing: &Standing) -> Effects {
    Effects::event("user.joined", 1, about(user, standing))
}

/// What a change of the own profile brings about. What changed is not told: it is personal.
pub fn profile_changed(user: &str) -> Effects {
    Effects::event("user.profile_changed", 1, vec![("user_id", user.into())])
}

fn about(user: &str, standing: &Standing) -> Facts {
    vec![
        ("user_id", user.into()),
        ("role", standing.role.as_str().into()),
        ("status", standing.status.as_str().into()),
    ]
}

/// The kind of the job that ends all sessions and tokens of a suspended user.
pub const REVOKE_CREDENTIALS: &str = "revoke-credentials";

/// Whatever was made up to `now` ends; what the user is given after a reinstatement stays, however late the job runs.
fn revoke_credentials(user: &str, now: i64) -> NewJob {
    NewJob {
        queue: "identity",
        kind: REVOKE_CREDENTIALS,
        key: format!("{REVOKE_CREDENTIALS}/{user}/{now}"),
        payload: vec![("user_id", user.into()), ("made_until", now.into())],
        delay_ms: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn standing(role: Role, status: Status) -> Standing {
        Standing {
            role,
            status,
            reason: None,
            updated_at: 1,
        }
    }

    fn by(role: Role) -> Actor {
        Actor {
            role,
            is_self: false,
            user: "01u".to_owned(),
            superadmin_remains: true,
        }
    }

    #[test]
    fn decisions() {
        use Decision::{Approve, Reinstate, SetRole, Suspend};
        use Role::{Admin, Superadmin, User};
        use Status::{Active, Pending, Suspended};
        let check = |from, by_role, decision: Decision, expect: Result<(Role, Status), Refusal>| {
            let (role, status) = from;
            let got = step(&standing(role, status), &by(by_role), decision.clone(), 7);
            let got = got.map(|(next, _)| (next.role, next.status));
            assert_eq!(got, expect, "{role:?} {status:?} by {by_role:?}: {decision:?}");
        };
        let wrong = |is, wanted| Err(Refusal::WrongStatus { is, wanted });
        check((User, Pending), Admin, Approve, Ok((User, Active)));
        check((Admin, Pending), Admin, Approve, Ok((Admin, Active)));
        check((User, Active), Admin, Approve, wrong(Active, "pending"));
        check((User, Suspended), Admin, Approve, wrong(Suspended, "pending"));
        check((User, Active), Admin, Suspend(None), Ok((User, Suspended)));
        check((User, Pending), Admin, Suspend(None), Ok((User, Suspended)));
        check(
            (User, Suspended),
            Admin,
            Suspend(None),
            wrong(Suspended, "active or pending"),
        );
        check((User, Suspended), Admin, Reinstate, Ok((User, Active)));
        check((User, Pending), Admin, Reinstate, wrong(Pending, "suspended"));
        check((Admin, Active), Admin, Suspend(None), Ok((Admin, Suspended)));
        check((User, Active), Superadmin, SetRole(Admin), Ok((Admin, Active)));
        check(
            (User, Pending),
            Superadmin,
            SetRole(Superadmin),
            Ok((Superadmin, Pending)),
        );
        check((Superadmin, Active), Superadmin, SetRole(User), Ok((User, Active)));
        check(
            (Superadmin, Active),
            Superadmin,
            Suspend(None),
            Ok((Superadmin, Suspended)),
        );
        check((User, Active), Admin, SetRole(Admin), Err(Refusal::NotSuperadmin));
        check((Superadmin, Active), Admin, Suspend(None), Err(Refusal::NotSuperadmin));
        check((Superadmin, Pending), Admin, Approve, Err(Refusal::NotSuperadmin));
        check((User, Pending), User, Approve, Err(Refusal::NotAdmin));
    }

    #[test]
    fn nobody_decides_about_themself() {
        for decision in [
            Decision::Approve,
            Decision::Suspend(None),
            Decision::Reinstate,
            Decision::SetRole(Role::User),
        ] {
            let by = Actor {
                is_self: true,
                ..by(Role::Superadmin)
            };
            let got = step(&standing(Role::Superadmin, Status::Active), &by, decision, 7);
            assert_eq!(got, Err(Refusal::Oneself));
        }
    }

    #[test]
    fn the_last_superadmin_stays() {
        let by = Actor {
            superadmin_remains: false,
            ..by(Role::Superadmin)
        };
        let check = |status, decision: Decision, expect: Option<Refusal>| {
            assert_eq!(
                step(&standing(Role::Superadmin, status), &by, decision, 7).err(),
                expect
            );
        };
        check(Status::Active, Decision::Suspend(None), Some(Refusal::LastSuperadmin));
        check(
            Status::Active,
            Decision::SetRole(Role::Admin),
            Some(Refusal::LastSuperadmin),
        );
        check(Status::Active, Decision::SetRole(Role::Superadmin), None);
        check(Status::Suspended, Decision::SetRole(Role::Admin), None);
        check(Status::Pending, Decision::Suspend(None), None);
    }

    #[test]
    fn a_suspension_has_a_reason_and_ends_credentials() {
        let reason = Some("  left the team ".to_owned());
        let (next, effects) = step(
            &standing(Role::User, Status::Active),
            &by(Role::Admin),
            Decision::Suspend(reason),
            7,
        )
        .unwrap();
        assert_eq!(next.reason.as_deref(), Some("left the team"));
        assert_eq!(next.updated_at, 7);
        assert_eq!(
            effects.events.iter().map(|e| e.kind).collect::<Vec<_>>(),
            ["user.suspended"]
        );
        let job = effects.jobs.first().unwrap();
        assert_eq!(
            (job.queue, job.kind, job.key.as_str()),
            ("identity", REVOKE_CREDENTIALS, "revoke-credentials/01u/7")
        );
        assert_eq!(job.payload, [("user_id", "01u".into()), ("made_until", 7.into())]);
        let bad = Decision::Suspend(Some("a\u{202e}b".to_owned()));
        let refusal = step(&next, &by(Role::Admin), Decision::Reinstate, 8)
            .and_then(|(back, _)| step(&back, &by(Role::Admin), bad, 9))
            .unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "reason: it contains the invisible character U+202E"
        );
    }

    #[test]
    fn effects_tell_what_changed() {
        let check = |role, status, decision: Decision, events: &[&str], jobs: usize| {
            let (_, effects) = step(&standing(role, status), &by(Role::Superadmin), decision, 7).unwrap();
            assert_eq!(effects.events.iter().map(|e| e.kind).collect::<Vec<_>>(), events);
            assert_eq!(effects.jobs.len(), jobs);
        };
        check(Role::User, Status::Pending, Decision::Approve, &["user.approved"], 0);
        check(
            Role::User,
            Status::Suspended,
            Decision::Reinstate,
            &["user.reinstated"],
            0,
        );
        check(
            Role::User,
            Status::Active,
            Decision::SetRole(Role::Admin),
            &["user.role_set"],
            0,
        );
        check(Role::User, Status::Active, Decision::SetRole(Role::User), &[], 0);
        check(
            Role::User,
            Status::Pending,
            Decision::Suspend(None),
            &["user.suspended"],
            1,
        );
    }

    fn role() -> impl Strategy<Value = Role> {
        prop_oneof![Just(Role::User), Just(Role::Admin), Just(Role::Superadmin)]
    }

    fn decision() -> impl Strategy<Value = Decision> {
        prop_oneof![
            Just(Decision::Approve),
            Just(Decision::Suspend(None)),
            Just(Decision::Reinstate),
            role().prop_map(Decision::SetRole),
        ]
    }

    proptest! {
        /// Whoever decides whatever about whomever: a superadministrator is always left, each suspension ends
        /// credentials, and nobody below superadministrator ever changes who has that role.
        #[test]
        fn any_sequence_keeps_the_rules(moves in prop::collection::vec((0..4_usize, 0..4_usize, decision()), 0..60)) {
            let mut people = [
                standing(Role::Superadmin, Status::Active),
                standing(Role::Admin, Status::Active),
                standing(Role::User, Status::Pending),
                standing(Role::User, Status::Active),
            ];
            for (now, (actor, target, decision)) in moves.into_iter().enumerate() {
                if people[actor].status != Status::Active {
                    continue;
                }
                let superadmin = |p: &Standing| p.role == Role::Superadmin && p.status == Status::Active;
                let others = people.iter().enumerate().filter(|(n, p)| *n != target && superadmin(p)).count();
                let by = Actor {
                    role: people[actor].role,
                    is_self: actor == target,
                    user: target.to_string(),
                    superadmin_remains: others > 0,
                };
                let before = people[target].clone();
                if let Ok((next, effects)) = step(&before, &by, decision, i64::try_from(now).unwrap()) {
                    let suspended = next.status == Status::Suspended && before.status != Status::Suspended;
                    prop_assert_eq!(suspended, effects.jobs.len() == 1);
                    if (before.role == Role::Superadmin) != (next.role == Role::Superadmin) {
                        prop_assert_eq!(by.role, Role::Superadmin);
                    }
                    people[target] = next;
                }
                prop_assert!(people.iter().any(superadmin), "nobody is left who can give roles");
            }
        }
    }
}
