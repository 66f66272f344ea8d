//! `sam-agent`: arguments, the log, signals.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use sam_agent::state::StateDir;
use sam_agent::{End, Options, dial, enrol, run};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Runs workspaces on this machine for a SAM control plane.
#[derive(Parser)]
#[command(name = "sam-agent", version)]
struct Arguments {
    /// Where the agent keeps everything.
    #[arg(long, global = true, default_value = "/var/lib/sam-agent", value_name = "DIR")]
    state_dir: PathBuf,
    /// What is logged to standard error, such as `info` or `sam_agent=debug`.
    #[arg(long, global = true, default_value = "info", value_name = "FILTER")]
    log: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Lets this machine join a control plane, once.
    #[command(alias = "enroll")]
    Enrol(Enrol),
    /// Runs the agent. Ends with 3 when a newer process runs for this node, with 4 when the node was deleted.
    Run(Run),
    /// Says what the running agent does.
    Status,
}

#[derive(Args)]
struct Enrol {
    /// The control plane.
    #[arg(long, value_name = "URL")]
    url: String,
    /// File with the one-time token.
    #[arg(long, value_name = "FILE", required_unless_present = "token_stdin")]
    token_file: Option<PathBuf>,
    /// The one-time token comes from standard input.
    #[arg(long, conflicts_with = "token_file")]
    token_stdin: bool,
    /// Certificates to trust beside the usual ones (PEM).
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Allows a control plane that is neither encrypted nor on this machine.
    #[arg(long)]
    insecure_http: bool,
}

#[derive(Args)]
struct Run {
    /// Image of workspaces that name no other.
    #[arg(long, default_value = "sam-workspace:latest", value_name = "IMAGE")]
    base_image: String,
    /// Docker's socket.
    #[arg(long, default_value = "/var/run/docker.sock", value_name = "FILE")]
    docker_socket: PathBuf,
    /// The supervisor's static binary; the one beside this program without it.
    #[arg(long, value_name = "FILE")]
    supervisor: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_new(&arguments.log).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match start(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("sam-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Arguments) -> anyhow::Result<ExitCode> {
    // One thread does it all: the agent mostly waits. What may block has threads of its own, which end when idle.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(16)
        .thread_keep_alive(std::time::Duration::from_secs(5))
        .thread_stack_size(512 * 1024)
        .build()
        .context("the runtime cannot be started")?;
    let code = runtime.block_on(async {
        match arguments.command {
            Command::Enrol(options) => join(&StateDir::open(&arguments.state_dir)?, options).await,
            Command::Run(options) => serve(StateDir::open(&arguments.state_dir)?, options).await,
            Command::Status => status(&arguments.state_dir).await,
        }
    });
    // A folder that is being removed, say, is not waited for: it is gone on with by the next process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code
}

async fn join(state: &StateDir, options: Enrol) -> anyhow::Result<ExitCode> {
    let _lock = state.lock()?;
    let url = dial::control_plane(&options.url, options.insecure_http).map_err(anyhow::Error::msg)?;
    let token = match options.token_file {
        Some(path) => std::fs::read_to_string(&path)
            .with_context(|| format!("the token file {} cannot be read", path.display()))?,
        None => {
            let mut token = String::new();
            std::io::stdin().take(64 * 1024).read_to_string(&mut token)?;
            token
        }
    };
    let ca_file = options
        .ca_file
        .map(std::fs::canonicalize)
        .transpose()
        .context("the file of certificates cannot be read")?;
    let enrolled = enrol::enrol(state, url, ca_file, &token).await?;
    eprintln!("this machine is now the node {} ({})", enrolled.name, enrolled.node_id);
    Ok(ExitCode::SUCCESS)
}

async fn serve(state: StateDir, options: Run) -> anyhow::Result<ExitCode> {
    let stop = CancellationToken::new();
    let signalled = stop.clone();
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        signalled.cancel();
    });
    let options = Options {
        state,
        base_image: options.base_image,
        docker: options.docker_socket,
        supervisor: options.supervisor,
    };
    Ok(match run(options, stop).await? {
        End::Stopped => ExitCode::SUCCESS,
        End::Superseded => {
            eprintln!("sam-agent: a newer agent process runs for this node; this one stands down");
            ExitCode::from(3)
        }
        End::Gone => {
            eprintln!("sam-agent: the control plane has deleted this node; everything on it is kept");
            ExitCode::from(4)
        }
    })
}

async fn status(state_dir: &std::path::Path) -> anyhow::Result<ExitCode> {
    let status = sam_agent::status::status(state_dir).await?;
    use std::io::Write;
    writeln!(std::io::stdout(), "{status}")?;
    Ok(ExitCode::SUCCESS)
}
