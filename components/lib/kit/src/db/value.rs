//! Values as SQLite has them.

use sam_contract::ids::{
    AccountId, ApiTokenId, EventId, IdentityId, JobId, LeaseId, LoginLinkId, NodeId, RequestId, SessionId, TerminalId,
    TicketId, UserId, WorkspaceId,
};

/// A parameter, or a value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A number, a time or a flag.
    Integer(i64),
    /// A fraction.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

macro_rules! from {
    ($($type:ty => |$value:ident| $expr:expr;)+) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $expr
            }
        }
    )+};
}

from! {
    i64 => |number| Self::Integer(number);
    u32 => |number| Self::Integer(i64::from(number));
    bool => |flag| Self::Integer(i64::from(flag));
    &str => |text| Self::Text(text.to_owned());
    String => |text| Self::Text(text);
    &String => |text| Self::Text(text.clone());
    Vec<u8> => |bytes| Self::Blob(bytes);
    &[u8] => |bytes| Self::Blob(bytes.to_vec());
    [u8; 32] => |bytes| Self::Blob(bytes.to_vec());
    AccountId => |id| Self::Text(id.to_string());
    ApiTokenId => |id| Self::Text(id.to_string());
    EventId => |id| Self::Text(id.to_string());
    IdentityId => |id| Self::Text(id.to_string());
    JobId => |id| Self::Text(id.to_string());
    LeaseId => |id| Self::Text(id.to_string());
    LoginLinkId => |id| Self::Text(id.to_string());
    NodeId => |id| Self::Text(id.to_string());
    RequestId => |id| Self::Text(id.to_string());
    SessionId => |id| Self::Text(id.to_string());
    TerminalId => |id| Self::Text(id.to_string());
    TicketId => |id| Self::Text(id.to_string());
    UserId => |id| Self::Text(id.to_string());
    WorkspaceId => |id| Self::Text(id.to_string());
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A type that a column can be read as.
pub trait FromValue: Sized {
    /// What the column has to hold, for messages.
    const EXPECTED: &'static str;

    /// Reads it; none when the value is of another type.
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! read {
    ($($type:ty, $expected:literal, $pattern:pat => $expr:expr;)+) => {$(
        impl FromValue for $type {
            const EXPECTED: &'static str = $expected;
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    $pattern => $expr,
                    _ => None,
                }
            }
        }
    )+};
}

read! {
    i64, "an integer", Value::Integer(number) => Some(*number);
    u32, "a small integer", Value::Integer(number) => u32::try_from(*number).ok();
    bool, "a flag", Value::Integer(number) => Some(*number != 0);
    String, "text", Value::Text(text) => Some(text.clone());
    Vec<u8>, "bytes", Value::Blob(bytes) => Some(bytes.clone());
    [u8; 32], "32 bytes", Value::Blob(bytes) => bytes.as_slice().try_into().ok();
}

impl<T: FromValue> FromValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    fn from_value(value: &Value) -> Option<Self> {
        if *value == Value::Null {
            Some(None)
        } else {
            T::from_value(value).map(Some)
        }
    }
}
