//! What the edge stands in front of.

use crate::Body;
use http::{Request, Response};
use std::future::Future;

/// An application: a cloneable async function from request to response. It cannot fail; failures are responses.
///
/// Every `Fn(Request<Body>) -> impl Future<Output = Response<Body>>` that is cloneable and sendable is one.
pub trait Upstream: Clone + Send + Sync + 'static {
    /// Answers one request. The future is dropped when the client goes away before the response.
    fn call(&self, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send;
}

impl<F, Fut> Upstream for F
where
    F: Fn(Request<Body>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response<Body>> + Send,
{
    fn call(&self, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send {
        self(request)
    }
}
