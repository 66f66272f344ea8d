//! Serves a Spin application: `cargo run -p spin-host --release --example serve -- path/to/spin.toml 127.0.0.1:3000`.
//! Ctrl-C stops it; it then prints what it has counted.

use std::path::PathBuf;

use spin_host::Host;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let mut arguments = std::env::args().skip(1);
    let manifest = PathBuf::from(arguments.next().unwrap_or_else(|| "spin.toml".to_owned()));
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let state = manifest.with_file_name(".spin");
    let host = Host::builder(&manifest)
        .state_dir(state.join("data"))
        .cache_dir(state.join("cache"))
        .build()
        .await?;
    let listener = TcpListener::bind(&address).await?;
    tracing::info!(address = %listener.local_addr()?, "serving");
    host.serve(listener, async { _ = tokio::signal::ctrl_c().await }).await;
    eprintln!("{}", host.metrics().encode());
    Ok(())
}
