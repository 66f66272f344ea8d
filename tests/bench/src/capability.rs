//! A manifest on `spin-host` alone: no edge, no scheduler, no access log.

use std::path::Path;

use anyhow::Result;

/// Serves on a free port of the loopback interface until killed; prints `ready: http://…`.
pub(crate) async fn serve(manifest: &Path, state: &Path) -> Result<()> {
    let host = spin_host::Host::builder(manifest)
        .state_dir(state)
        .cache_dir(state.join("cache"))
        .build()
        .await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("ready: http://{}", listener.local_addr()?);
    host.serve(listener, std::future::pending()).await;
    Ok(())
}
