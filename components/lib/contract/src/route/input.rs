//! What a handler is given: path, query and body, parsed before it runs.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{Ref, Required};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

/// A request before parsing.
#[derive(Debug, Clone, Copy)]
pub struct RawInput<'a> {
    /// `{name}` segments with their decoded values.
    pub path: &'a [(String, String)],
    /// The query string without `?`.
    pub query: &'a str,
    /// The whole body.
    pub body: &'a [u8],
    /// The body's media type.
    pub content_type: Option<&'a str>,
}

/// Why a request cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// A path segment names nothing that could exist.
    #[error("no such thing")]
    NoSuchPath,
    /// The body is not JSON by its own account. Browsers send any other type across origins without asking.
    #[error("send the body as `content-type: application/json`")]
    NotJson,
    /// The body is not bytes by its own account.
    #[error("send the body as `content-type: application/octet-stream`")]
    NotBytes,
    /// A part is wrong: which, and how.
    #[error("{part}: {issue}")]
    Malformed {
        /// `body` or `query`.
        part: &'static str,
        /// What the parser says.
        issue: String,
    },
}

/// What an input adds to the OpenAPI document.
#[derive(Default)]
pub struct InputSchema {
    /// Path and query parameters.
    pub parameters: Vec<Parameter>,
    /// Name of the body's schema.
    pub body: Option<String>,
    /// Whether the body is bytes that go on to a node.
    pub held_body: bool,
    /// The schemas that it needs, by name.
    pub schemas: Vec<(String, RefOr<Schema>)>,
}

/// A typed request: `()`, [`Path`], [`Query`], [`Body`] or a pair of them.
pub trait Input: Sized + Send + 'static {
    /// Describes itself.
    fn describe(into: &mut InputSchema);

    /// Parses itself.
    ///
    /// # Errors
    /// The first part that is wrong.
    fn parse(raw: &RawInput<'_>) -> Result<Self, InputError>;
}

/// The one `{…}` segment of the path, an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path<T>(pub T);

/// Two `{…}` segments of the path: what it is about, and a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathPair<A, B>(pub A, pub B);

/// A body of any size that stays at the edge (`application/octet-stream`) for the node to which the answer is forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held;

/// The query string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query<T>(pub T);

/// The JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body<T>(pub T);

impl Input for () {
    fn describe(_: &mut InputSchema) {}
    fn parse(_: &RawInput<'_>) -> Result<Self, InputError> {
        Ok(())
    }
}

fn describe_segment<T: ToSchema>(into: &mut InputSchema, name: &str) {
    into.schemas.push((T::name().into_owned(), T::schema()));
    into.parameters.push(
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(RefOr::Ref(Ref::from_schema_name(T::name()))))
            .build(),
    );
}

fn segment<T: FromStr>(raw: &RawInput<'_>, n: usize) -> Result<T, InputError> {
    let text = raw.path.get(n).map_or("", |(_, value)| value.as_str());
    text.parse().map_err(|_| InputError::NoSuchPath)
}

impl<T: FromStr + ToSchema + Send + 'static> Input for Path<T> {
    fn describe(into: &mut InputSchema) {
        describe_segment::<T>(into, "id");
    }

    fn parse(raw: &RawInput<'_>) -> Result<Self, InputError> {
        segment(raw, 0).map(Self)
    }
}

impl<A, B> Input for PathPair<A, B>
where
    A: FromStr + ToSchema + Send + 'static,
    B: FromStr + ToSchema + Send + 'static,
{
    fn describe(into: &mut InputSchema) {
        describe_segment::<A>(into, "id");
        describe_segment::<B>(into, "part");
    }

    fn parse(raw: &RawInput<'_>) -> Result<Self, InputError> {
        Ok(Self(segment(raw, 0)?, segment(raw, 1)?))
    }
}

impl Input for Held {
    fn describe(into: &mut InputSchema) {
        into.held_body = true;
    }

    fn parse(raw: &RawInput<'_>) -> Result<Self, InputError> {
        let media = raw.content_type.and_then(|t| t.split(';').next()).map_or("", str::trim);
        if media.eq_ignore_ascii_case("application/octet-stream") {
            Ok(Self)
        } else {
            Err(InputError::NotBytes)
        }
    }
}

impl<T: DeserializeOwned + IntoParams + Send + 'static> Input for Query<T> {
    fn describe(into: &mut InputSchema) {
        into.parameters.extend(T::into_params(|| Some(ParameterIn::Query)));
    }

    fn parse(raw: &RawInput<'_>) -> Result<Self, InputError> {
        let parsed = serde_urlencoded::from_str(raw.query);
        parsed.map(Self).map_err(|e| InputError::Malformed {
            part: "query",
            issue: e.to_string(),
        })
    }
}

impl<T: DeserializeOwned + ToSchema + Send + 'static> Input for Body<T> {
    fn describe(into: &mut InputSchema) {
        into.body = Some(T::name().into_owned());
        into.schemas
            .push((T::name().into_owned(), <T as PartialSchema>::schema()));
        T::schemas(&mut into.schemas);
    }

    fn parse(raw: &RawInput<'_>) -> Result<Self, InputError> {
        let media = raw.content_type.and_then(|t| t.split(';').next()).map_or("", str::trim);
        if !media.eq_ignore_ascii_case("application/json") {
            return Err(InputError::NotJson);
        }
        // serde reads a struct from an array too, field by field; of our bodies each is an object.
        if raw.body.trim_ascii_start().first() != Some(&b'{') {
            return Err(InputError::Malformed {
                part: "body",
                issue: "a JSON object is expected".to_owned(),
            });
        }
        let parsed = serde_json::from_slice(raw.body);
        parsed.map(Self).map_err(|e| InputError::Malformed {
            part: "body",
            issue: e.to_string(),
        })
    }
}

impl<A: Input, B: Input> Input for (A, B) {
    fn describe(into: &mut InputSchema) {
        A::describe(into);
        B::describe(into);
    }

    fn parse(raw: &RawInput<'_>) -> Result<Self, InputError> {
        Ok((A::parse(raw)?, B::parse(raw)?))
    }
}
