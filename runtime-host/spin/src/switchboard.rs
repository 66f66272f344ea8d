//! Calls between components of one application, without a socket.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};

use spin_host_manifest::Router;
use wasmtime_wasi_http::{Error, Result};

use crate::body::Body;
use crate::runner::Runner;
use crate::scope::RequestScope;
use crate::spin_headers;

/// Finds the component of an internal call. Filled once, when all components are loaded.
///
/// It holds weak references: runners hold blueprints, and those hold the switchboard.
pub(crate) struct Switchboard {
    lines: OnceLock<Lines>,
    depth_max: u8,
}

struct Lines {
    router: Arc<Router>,
    runners: HashMap<String, Weak<Runner>>,
}

/// Whom an internal call is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Callee {
    /// The component of that id.
    Component(String),
    /// The component whose public route matches the request.
    Route,
}

impl Switchboard {
    pub(crate) fn new(depth_max: u8) -> Self {
        Self {
            lines: OnceLock::new(),
            depth_max,
        }
    }

    pub(crate) fn connect<'a>(&self, router: Arc<Router>, runners: impl Iterator<Item = &'a Arc<Runner>>) {
        let runners = runners
            .map(|runner| (runner.id().to_owned(), Arc::downgrade(runner)))
            .collect();
        let _ = self.lines.set(Lines { router, runners });
    }

    /// Lets a component answer a request that another one sent; `depth` counts the calls on top of each other.
    pub(crate) async fn call(
        &self,
        callee: &Callee,
        request: http::Request<Body>,
        depth: u8,
    ) -> Result<http::Response<Body>> {
        if depth > self.depth_max {
            tracing::warn!(?callee, depth, "components call each other in a loop");
            return Err(Error::LoopDetected);
        }
        let Some(runner) = self
            .lines
            .get()
            .and_then(|lines| lines.runner(callee, request.uri().path()))
        else {
            tracing::warn!(?callee, "an internal call reaches no component that a trigger starts");
            return Err(Error::DestinationNotFound);
        };
        let scope = Arc::new(RequestScope::new(request.headers(), depth));
        let (mut parts, body) = request.into_parts();
        spin_headers::drop_forged(&mut parts);
        Ok(runner.run(http::Request::from_parts(parts, body), scope).await)
    }
}

impl Lines {
    fn runner(&self, callee: &Callee, path: &str) -> Option<Arc<Runner>> {
        let id = match callee {
            Callee::Component(id) => id,
            Callee::Route => self.router.find(path)?.component,
        };
        self.runners.get(id)?.upgrade()
    }
}
