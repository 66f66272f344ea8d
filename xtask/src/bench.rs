//! `cargo xtask bench`: builds the optimised host and hands over to `tests/bench`.

use anyhow::Result;

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
    let host = build::host(Profile::Release)?;
    let mut build = cargo();
    step(
        "build the benchmarks",
        build.args(["build", "--release", "--package", "sam-tests-bench"]),
    )?;
    let mut bench = std::process::Command::new(crate::process::target_dir().join("release/sam-bench"));
    bench
        .current_dir(crate::process::root())
        .env("SAM_HOST_BIN", host)
        .args(&args.rows);
    if args.quick {
        bench.arg("--quick");
    }
    if args.json {
        bench.arg("--json");
    }
    anyhow::ensure!(bench.status()?.success(), "the benchmarks did not finish");
    Ok(())
}
