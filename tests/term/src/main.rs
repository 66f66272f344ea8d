//! `sam-term`: measures terminals (P3, P4), each row beside the raw PTY in the same run; `sam-term serve` is the agent's
//! half as a process of its own, to be measured and killed; `sam-term produce` is a program that prints steadily.

mod bench;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::{Parser, Subcommand};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sam_agent_terminals::Terminals;
use sam_tests_term::agent::Agent;

#[derive(Parser)]
#[command(name = "sam-term", about = "Measures the promises about terminals")]
struct Cli {
    #[command(subcommand)]
    role: Option<Role>,
    /// Rows to measure: a promise (P3) or a row (P3.echo.p50). All without a choice.
    rows: Vec<String>,
    /// Shorter runs, for a first look.
    #[arg(long)]
    quick: bool,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Serves the terminals of a supervisor on a free port of loopback, and prints it.
    #[command(hide = true)]
    Serve {
        /// The supervisor's socket.
        socket: PathBuf,
    },
    /// Prints so many bytes a second.
    #[command(hide = true)]
    Produce {
        /// How many.
        bytes_per_second: usize,
    },
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    // Without a runtime: a thousand of these stand for a thousand builds.
    if let Some(Role::Produce { bytes_per_second }) = cli.role {
        return produce(bytes_per_second);
    }
    // Two sockets a viewer in the agent's half, and there are a thousand.
    let files = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: files.maximum.map(|maximum| maximum.min(16_384)),
        ..files
    };
    setrlimit(Resource::Nofile, raised)?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        match cli.role {
            Some(Role::Serve { socket }) => serve(socket).await,
            _ => bench::run(&cli.rows, cli.quick, cli.json).await,
        }
    })
}

async fn serve(socket: PathBuf) -> Result<()> {
    let agent = Agent::start(Terminals::new(socket)).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", agent.port())?;
    out.flush()?;
    std::future::pending().await
}

fn produce(bytes_per_second: usize) -> Result<()> {
    let tick = Duration::from_millis(100);
    let mut piece = vec![b'.'; bytes_per_second / 10];
    for line in piece.chunks_mut(80) {
        if let Some(last) = line.last_mut() {
            *last = b'\n';
        }
    }
    let mut next = Instant::now();
    loop {
        std::io::stdout().write_all(&piece)?;
        next += tick;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}
