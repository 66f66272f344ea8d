//! Routes and their handlers. The types of a route's constant are the types of its handler: a handler without the
//! right principal, input and output does not compile, and a route without a handler is found by a test.

mod dispatch;
mod queue;

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use sam_contract::error::ErrorCode;
use sam_contract::queues::{QUEUES, Queue};
use sam_contract::route::{Input, Method, Output, Route};
use sam_contract::routes::ROUTES;
use tower_service::Service;

use crate::call::Call;
use crate::error::ApiError;
use crate::guard::Admits;
use crate::jobs::{Job, Stepped};
use crate::reply::Answers;

/// The routes of one component.
pub struct Routes {
    component: &'static str,
    router: Router,
    served: Vec<&'static str>,
}

impl Routes {
    /// Of the component with this name in `spin.toml`.
    pub fn new(component: &'static str) -> Self {
        let router = Router::new().fallback(no_route);
        Self {
            component,
            router,
            served: Vec::new(),
        }
    }

    /// Serves a route.
    #[must_use]
    pub fn on<G, I, O, H, F, A>(mut self, route: &Route<G, I, O>, handler: H) -> Self
    where
        G: Admits,
        I: Input,
        O: Output,
        H: Fn(G::Principal, Call<I>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<A, ApiError>> + Send + 'static,
        A: Answers<O> + Send + 'static,
    {
        let info = route.info();
        let handler = Arc::new(handler);
        let serve = move |path: RawPathParams, request: Request| {
            let handler = Arc::clone(&handler);
            async move { dispatch::request::<G, I, O, H, F, A>(&info, &*handler, &path, request).await }
        };
        self.router = self.router.route(info.path, on(filter(info.method), serve));
        self.served.push(info.id);
        self
    }

    /// Works on a queue, at `POST /_work/<queue>`.
    #[must_use]
    pub fn work<S, F, D>(mut self, queue: &'static Queue, step: S) -> Self
    where
        S: Fn(Job) -> F + Send + Sync + 'static,
        F: Future<Output = Result<D, ApiError>> + Send + 'static,
        D: Into<Stepped> + 'static,
    {
        let step = Arc::new(step);
        let serve = move |request: Request| {
            let step = Arc::clone(&step);
            let headers = request.into_parts().0.headers;
            async move { queue::request(queue, &*step, &headers).await }
        };
        self.router = self
            .router
            .route(&format!("/_work/{}", queue.name), on(MethodFilter::POST, serve));
        self.served.push(queue.name);
        self
    }

    /// Routes and queues of the component that nothing serves, and what is served but belongs to another component.
    pub fn mismatches(&self) -> Vec<&'static str> {
        let routes = ROUTES
            .iter()
            .filter(|route| route.component == self.component)
            .map(|route| route.id);
        let queues = QUEUES
            .iter()
            .filter(|queue| queue.component == self.component)
            .map(|queue| queue.name);
        let own: Vec<_> = routes.chain(queues).collect();
        let missing = own.iter().filter(|id| !self.served.contains(id));
        let foreign = self.served.iter().filter(|id| !own.contains(id));
        missing.chain(foreign).copied().collect()
    }

    /// Ready to serve; kept for as long as the instance lives.
    pub fn into_service(self) -> RouteService {
        // It reaches only the routes that are there already, and so comes last.
        RouteService(self.router.method_not_allowed_fallback(no_method))
    }
}

/// The routes of a component, built once per instance.
#[derive(Clone)]
pub struct RouteService(Router);

impl RouteService {
    /// Answers a request.
    pub async fn serve<B>(&self, request: http::Request<B>) -> http::Response<Body>
    where
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        match self.0.clone().call(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
    }
}

async fn no_route(request: Request) -> Response {
    let message = format!("There is no `{} {}`.", request.method(), request.uri().path());
    dispatch::refuse(ApiError::new(ErrorCode::NotFound, message), request.headers())
}

async fn no_method(request: Request) -> Response {
    let message = format!(
        "`{}` does not know the method {}.",
        request.uri().path(),
        request.method()
    );
    dispatch::refuse(ApiError::new(ErrorCode::MethodNotAllowed, message), request.headers())
}
