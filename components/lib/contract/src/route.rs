//! Routes are data: one typed constant per route, from which everything else follows.
//!
//! A [`Route<G, I, O>`] names its guard, its input and its output as types, so that `kit` accepts only a handler of
//! exactly that shape. [`Route::info`] erases the types into a [`RouteInfo`] row of the table `ROUTES`, which feeds
//! the router's completeness check, the OpenAPI document, the TypeScript client and the authorisation cube test.

mod guard;
mod input;
mod output;

use std::marker::PhantomData;

pub use guard::{Admin, AnySession, Auth, Guard, Node, Ops, Public, Superadmin, TokenAccess, User};
pub use input::{Body, Held, Input, InputError, InputSchema, Path, PathPair, Query, RawInput};
pub use output::{
    Binary, Created, Encoded, EventStream, Forward, Forwarded, NoContent, Output, OutputSchema, PlainText, Script,
};

use crate::audit::AuditAction;

/// Longest request body of a route that names no other: forms and settings are far smaller.
pub const BODY_BYTES_MAX: u32 = 64 * 1024;

/// An HTTP method that routes use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates or commands.
    Post,
    /// Replaces.
    Put,
    /// Changes parts.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// As in a request line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether a request with it changes nothing.
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get)
    }
}

/// What a caller may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stability {
    /// For API tokens and scripts: changes only by addition.
    Stable,
    /// For our own web app, which ships with the components.
    Internal,
    /// For the host beside us (scheduler, start); not in the OpenAPI document.
    Host,
    /// For agents on nodes, under a version of its own (`agent`); not in the OpenAPI document.
    Agent,
}

/// How often one caller may use a route. Callers are told apart by user, or by address when they have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests in one window.
    pub requests_max: u32,
    /// Length of the window.
    pub window_s: u32,
}

/// One row of the route table.
#[derive(Debug, Clone, Copy)]
pub struct RouteInfo {
    /// Unique name, also the OpenAPI operation id.
    pub id: &'static str,
    /// The component (of `spin.toml`) that serves it.
    pub component: &'static str,
    /// Method.
    pub method: Method,
    /// Path with `{name}` segments.
    pub path: &'static str,
    /// Who may call it.
    pub auth: Auth,
    /// What an API token needs to call it.
    pub tokens: TokenAccess,
    /// What callers may rely on.
    pub stability: Stability,
    /// One sentence.
    pub summary: &'static str,
    /// Status of success.
    pub status: u16,
    /// Longest request body.
    pub body_bytes_max: u32,
    /// How often, where that is limited.
    pub rate_limit: Option<RateLimit>,
    /// Under which name each call is audited; every route that changes something has one.
    pub audit: Option<AuditAction>,
    /// Describes parameters and body.
    pub input: fn(&mut InputSchema),
    /// Describes the answer.
    pub output: fn() -> OutputSchema,
}

/// A route with guard `G`, input `I` and output `O`.
pub struct Route<G, I, O> {
    info: RouteInfo,
    types: PhantomData<fn(G, I) -> O>,
}

impl<G: Guard, I: Input, O: Output> Route<G, I, O> {
    const fn new(id: &'static str, component: &'static str, method: Method, path: &'static str) -> Self {
        let info = RouteInfo {
            id,
            component,
            method,
            path,
            auth: G::AUTH,
            tokens: guard::default_token_access(G::AUTH, method),
            stability: Stability::Internal,
            summary: "",
            status: O::STATUS,
            body_bytes_max: BODY_BYTES_MAX,
            rate_limit: None,
            audit: None,
            input: I::describe,
            output: O::describe,
        };
        Self {
            info,
            types: PhantomData,
        }
    }

    /// A route that reads.
    pub const fn get(id: &'static str, component: &'static str, path: &'static str) -> Self {
        Self::new(id, component, Method::Get, path)
    }

    /// A route that creates or commands; audited under `action`.
    pub const fn post(id: &'static str, component: &'static str, path: &'static str, action: AuditAction) -> Self {
        Self::new(id, component, Method::Post, path).audited(action)
    }

    /// A route that replaces; audited under `action`.
    pub const fn put(id: &'static str, component: &'static str, path: &'static str, action: AuditAction) -> Self {
        Self::new(id, component, Method::Put, path).audited(action)
    }

    /// A route that changes parts; audited under `action`.
    pub const fn patch(id: &'static str, component: &'static str, path: &'static str, action: AuditAction) -> Self {
        Self::new(id, component, Method::Patch, path).audited(action)
    }

    /// A route that removes; audited under `action`.
    pub const fn delete(id: &'static str, component: &'static str, path: &'static str, action: AuditAction) -> Self {
        Self::new(id, component, Method::Delete, path).audited(action)
    }

    /// A question of the host that changes nothing although it is a POST.
    pub const fn ask(id: &'static str, component: &'static str, path: &'static str) -> Self {
        Self::new(id, component, Method::Post, path).host()
    }

    /// What an agent sends or asks again and again; what it means is kept in the rows it changes, not in the audit log.
    pub const fn agent(id: &'static str, component: &'static str, method: Method, path: &'static str) -> Self {
        let mut route = Self::new(id, component, method, path);
        route.info.stability = Stability::Agent;
        route
    }

    const fn audited(mut self, action: AuditAction) -> Self {
        self.info.audit = Some(action);
        self
    }

    /// Only agents call it.
    pub const fn for_agents(mut self) -> Self {
        self.info.stability = Stability::Agent;
        self
    }

    /// Takes longer bodies than most.
    pub const fn body_max(mut self, bytes: u32) -> Self {
        self.info.body_bytes_max = bytes;
        self
    }

    /// One sentence about it.
    pub const fn about(mut self, summary: &'static str) -> Self {
        self.info.summary = summary;
        self
    }

    /// Promises that it changes only by addition.
    pub const fn stable(mut self) -> Self {
        self.info.stability = Stability::Stable;
        self
    }

    /// Only the host calls it.
    pub const fn host(mut self) -> Self {
        self.info.stability = Stability::Host;
        self
    }

    /// No API token may call it: it hands out or ends credentials.
    pub const fn sessions_only(mut self) -> Self {
        self.info.tokens = TokenAccess::Never;
        self
    }

    /// Limits how often one caller may use it.
    pub const fn at_most(mut self, requests_max: u32, window_s: u32) -> Self {
        self.info.rate_limit = Some(RateLimit { requests_max, window_s });
        self
    }

    /// The row of the table.
    pub const fn info(&self) -> RouteInfo {
        self.info
    }
}
