//! `cargo xtask bench`: builds the optimised host and hands over to `tests/bench`.

use anyhow::Result;

use crate::agent;
use crate::build::{self, Profile};
use crate::process::{cargo, step};

/// Which rows, and how.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rows to measure (P1, P2, …); all without a choice.
    rows: Vec<String>,
    /// Shorter runs, for a first look.
    #[arg(long)]
    quick: bool,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    build::components()?;
    build::guests()?;
    build::web()?;
    // Host and benchmarks in one call: with all default members selected, wasmtime is compiled once for both.
    let mut build = cargo();
    step(
        "build the host and the benchmarks",
        build.args(["build", "--release", "--features", "sam-tests-bench/bare"]),
    )?;
    let release = crate::process::target_dir().join("release");
    let supervisor = agent::supervisor()?;
    let agent = agent::stage(Profile::Release, &supervisor)?;
    agent::base_image()?;
    // Terminals straight from the agent have a program of their own; each passes over the rows of the other.
    for program in ["sam-bench", "sam-term"] {
        let mut bench = std::process::Command::new(release.join(program));
        bench
            .current_dir(crate::process::root())
            .env("SAM_HOST_BIN", release.join("sam-host"))
            .env("SAM_AGENT_BIN", &agent)
            .env("SAM_SUPERVISOR_BIN", &supervisor)
            .args(&args.rows);
        if args.quick {
            bench.arg("--quick");
        }
        if args.json {
            bench.arg("--json");
        }
        anyhow::ensure!(bench.status()?.success(), "the benchmarks of {program} did not finish");
    }
    Ok(())
}
