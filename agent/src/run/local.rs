//! The HTTP API on a Unix socket of the state directory, for the command line and for tests.

use tokio_util::task::AbortOnDropHandle;

use crate::context::Shared;
use crate::fleet::Fleet;
use crate::socket::listen;

/// Serves it until dropped.
pub(super) fn serve(ctx: &Shared, fleet: &Fleet) -> std::io::Result<AbortOnDropHandle<()>> {
    let listener = listen(&ctx.state.socket(), 0o600)?;
    let router = crate::http::router(ctx, fleet);
    let serve = async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the local socket has ended");
        }
    };
    Ok(AbortOnDropHandle::new(tokio::spawn(serve)))
}
