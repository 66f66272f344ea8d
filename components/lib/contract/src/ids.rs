//! Every id of the system, as its own type: an id of one kind cannot be passed where another is meant.
//!
//! All are ULIDs in lowercase: sortable by time, 26 characters, safe in host names and file names.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ulid::Ulid;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, schema::SchemaType};

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: 26 characters of lowercase Crockford base 32 are expected")]
pub struct NotAnId(String);

/// What all ids can do; lets the route table take any of them as a path segment.
pub trait Id: FromStr<Err = NotAnId> + fmt::Display + Copy + Send + Sync + 'static {
    /// Makes an id from the time and 80 random bits (more are cut off).
    fn from_parts(at_ms: i64, random: u128) -> Self;
}

fn parse(text: &str) -> Result<Ulid, NotAnId> {
    let canonical = !text.bytes().any(|b| b.is_ascii_uppercase());
    let refused = || NotAnId(text.chars().take(64).collect());
    let ulid = Ulid::from_string(text).map_err(|_| refused())?;
    // The decoder also takes look-alike letters (`o` for `0`); two spellings of one id would defeat unique keys.
    if canonical && ulid.to_string().to_ascii_lowercase() == text {
        Ok(ulid)
    } else {
        Err(refused())
    }
}

macro_rules! ids {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl Id for $name {
            fn from_parts(at_ms: i64, random: u128) -> Self {
                Self(Ulid::from_parts(u64::try_from(at_ms).unwrap_or_default(), random))
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut buffer = [0; ulid::ULID_LEN];
                let text = self.0.array_to_str(&mut buffer);
                text.make_ascii_lowercase();
                f.pad(text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(SchemaType::Type(Type::String))
                    .pattern(Some("^[0-7][0-9a-hjkmnp-tv-z]{25}$"))
                    .description(Some([$($doc.trim()),+].join(" ")))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )+};
}

ids! {
    /// An account: what owns things. A personal account today, an organisation later.
    AccountId;
    /// A personal API token (not the secret itself).
    ApiTokenId;
    /// One event of the append-only log.
    EventId;
    /// One way in which a user proves who they are (provider and subject).
    IdentityId;
    /// A unit of work in a queue.
    JobId;
    /// A worker's hold on a job; completing a job needs it.
    LeaseId;
    /// A one-time link: first run, another device, recovery, or an invitation.
    LoginLinkId;
    /// A machine that runs workspaces.
    NodeId;
    /// A request, from the edge to the last log line.
    RequestId;
    /// A browser session.
    SessionId;
    /// A shell in a workspace.
    TerminalId;
    /// A one-time permission to open something in a workspace.
    TicketId;
    /// A person.
    UserId;
    /// An isolated working copy of a repository on a node.
    WorkspaceId;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, valid: bool) {
        assert_eq!(text.parse::<UserId>().is_ok(), valid, "{text}");
    }

    #[test]
    fn only_the_canonical_spelling_is_an_id() {
        check("01j0000000000000000000000a", true);
        check("7zzzzzzzzzzzzzzzzzzzzzzzzz", true);
        check("01J0000000000000000000000A", false); // uppercase
        check("8zzzzzzzzzzzzzzzzzzzzzzzzz", false); // more than 128 bits
        check("01j000000000000000000000oa", false); // look-alike of 0
        check("01j0000000000000000000000", false);
        check("", false);
        check("../../etc/passwd0000000000", false);
    }

    #[test]
    fn text_and_parts_round_trip() {
        let id = UserId::from_parts(1_767_225_600_000, 42);
        assert_eq!(id.to_string().parse::<UserId>(), Ok(id));
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{id}\""));
    }
}
