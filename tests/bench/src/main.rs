//! `sam-bench`: measures what the design promises, each row beside its baseline and in the same run.
//!
//! `cargo xtask bench` builds everything and starts it. Nothing here is a test: a slow machine prints `short`, it does
//! not fail.

#[cfg(feature = "bare")]
mod bare;
mod capability;
mod hosts;
mod load;
mod nodes;
mod row;
mod rows;
mod twin;
mod writes;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "sam-bench", about = "Measures the promises of the design")]
struct Cli {
    #[command(subcommand)]
    serve: Option<Serve>,
    /// Rows to measure: a promise (P1) or a row (P1.list.twin). All without a choice.
    rows: Vec<String>,
    /// Shorter runs, for a first look.
    #[arg(long)]
    quick: bool,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// What the bench starts as processes of their own, so that nothing shares an allocator or a runtime.
#[derive(Subcommand)]
enum Serve {
    /// The native twin over a database file.
    #[command(hide = true)]
    ServeTwin {
        /// The database.
        database: PathBuf,
    },
    /// A component on `wasmtime-wasi-http` alone.
    #[cfg(feature = "bare")]
    #[command(hide = true)]
    ServeBare {
        /// The component.
        wasm: PathBuf,
    },
    /// A manifest on `spin-host`, without edge.
    #[command(hide = true)]
    ServeManifest {
        /// The manifest.
        manifest: PathBuf,
        /// Where its databases are.
        state: PathBuf,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    match cli.serve {
        Some(Serve::ServeTwin { database }) => twin::serve(database).await,
        #[cfg(feature = "bare")]
        Some(Serve::ServeBare { wasm }) => bare::serve(&wasm).await,
        Some(Serve::ServeManifest { manifest, state }) => capability::serve(&manifest, &state).await,
        None => rows::run(&cli.rows, cli.quick, cli.json).await,
    }
}
