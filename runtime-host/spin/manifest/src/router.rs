//! Which component answers a path.

use crate::route::RoutePattern;
use crate::{App, TriggerRoute};

/// The public routes of an application. The most specific match wins, whatever the order of the manifest.
#[derive(Clone, Debug)]
pub struct Router {
    /// Most specific first.
    routes: Vec<Route>,
}

#[derive(Clone, Debug)]
struct Route {
    pattern: RoutePattern,
    component: String,
}

/// The route that matched a path.
#[derive(Debug, PartialEq, Eq)]
pub struct RouteMatch<'a> {
    /// Id of the component.
    pub component: &'a str,
    /// The pattern that matched.
    pub route: &'a RoutePattern,
    /// For a pattern with `/...`: the rest of the path with its leading and trailing slash, empty if there is none.
    pub wildcard: Option<String>,
    /// Values of `:parameters`, in the order of the path; not percent-decoded.
    pub params: Vec<(&'a str, &'a str)>,
}

impl Router {
    /// Takes the public routes of `app`. Loading has refused duplicates; of two, the first would win.
    pub fn new(app: &App) -> Self {
        let mut routes: Vec<_> = app
            .triggers
            .iter()
            .filter_map(|trigger| match &trigger.route {
                TriggerRoute::Public(pattern) => Some(Route {
                    pattern: pattern.clone(),
                    component: trigger.component.clone(),
                }),
                TriggerRoute::Private => None,
            })
            .collect();
        routes.sort_by(|a, b| a.pattern.compare_specificity(&b.pattern));
        Self { routes }
    }

    /// Finds the route for `path`, a URL path without its query. Slashes at the end make no difference, and
    /// `/prefix/...` also matches `/prefix`.
    pub fn find<'a>(&'a self, path: &'a str) -> Option<RouteMatch<'a>> {
        self.routes.iter().find_map(|route| {
            let capture = route.pattern.capture(path)?;
            let wildcard = capture.rest.map(|rest| match (rest.is_empty(), path.ends_with('/')) {
                (true, false) => String::new(),
                (true, true) => "/".to_owned(),
                (false, false) => format!("/{rest}"),
                (false, true) => format!("/{rest}/"),
            });
            Some(RouteMatch {
                component: &route.component,
                route: &route.pattern,
                wildcard,
                params: capture.params,
            })
        })
    }

    /// Every public route with its component, the most specific first.
    pub fn routes(&self) -> impl Iterator<Item = (&RoutePattern, &str)> {
        self.routes
            .iter()
            .map(|route| (&route.pattern, route.component.as_str()))
    }
}
