//! `cargo xtask`: the commands a person types in this repository.
//!
//! Everything here starts other programs (cargo, npm, the host) and reads their output; no product code lives here.

mod agent;
mod bench;
mod build;
mod check;
mod counts;
mod gen_files;
mod need;
mod process;
mod test;
mod up;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Build, run, test and measure Simple Agent Manager.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build what is stale, start SAM on this machine and print a one-time login link.
    Up(up::Args),
    /// Run all tests: native, components in the real host, web and browser.
    Test(test::Args),
    /// Measure the promises of the design, each next to its baseline.
    Bench(bench::Args),
    /// Regenerate what is derived: WIT dependencies, OpenAPI document, TypeScript types.
    Gen,
    /// Formatting, types, lints and licences, without running tests.
    Check(check::Args),
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Up(args) => up::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Gen => gen_files::run(),
        Command::Check(args) => check::run(&args),
    }
}
