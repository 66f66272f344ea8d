//! `cargo xtask test`: builds what the tests run, runs every runner, and closes with the counts of all.

use std::process::Command;

use anyhow::{Result, bail};

use crate::agent;
use crate::build::{self, Profile};
use crate::counts::Counts;
use crate::need;
use crate::process::{cargo, npm, root, tee};

/// Which part to run; all of them without a choice.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these parts.
    #[arg(value_enum)]
    parts: Vec<Part>,
}

/// A runner.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Rust tests, among them the real components in the real host.
    Rust,
    /// Unit tests of the web app.
    Web,
    /// Headless Chromium against a started host.
    Browser,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let wanted = |part| args.parts.is_empty() || args.parts.contains(&part);
    let mut counts = Counts::default();
    let mut broken = Vec::new();
    let mut runner = |name: &'static str, command: &mut Command| -> Result<()> {
        eprintln!("▸ {name}");
        if !tee(command, |line| counts.read(line))? {
            broken.push(name);
        }
        Ok(())
    };

    build::components()?;
    build::web()?;
    let host = build::tests()?;
    let supervisor = agent::supervisor()?;
    let agent = agent::stage(Profile::Dev, &supervisor)?;
    agent::base_image()?;
    let programs = [
        ("SAM_HOST_BIN", &host),
        ("SAM_AGENT_BIN", &agent),
        ("SAM_SUPERVISOR_BIN", &supervisor),
    ];
    if wanted(Part::Rust) {
        build::guests()?;
        runner("Rust tests", cargo().args(["test", "--no-fail-fast"]).envs(programs))?;
        // Their logic, SQL and guards run natively too; in a call of their own, so that what they need of shared
        // dependencies does not recompile the host.
        let mut native = cargo();
        native.args(["test", "--no-fail-fast", "--package", "sam-kit"]);
        for package in build::component_packages()? {
            native.args(["--package", &package]);
        }
        runner("component tests", &mut native)?;
    }
    if wanted(Part::Web) {
        runner("web unit tests", npm(&root().join("web")).args(["test", "--silent"]))?;
    }
    if wanted(Part::Browser) {
        need::debian("chromium", "chromium")?;
        let folder = root().join("tests/e2e");
        build::node_modules(&folder)?;
        runner("browser tests", npm(&folder).args(["test", "--silent"]).envs(programs))?;
    }

    let Counts {
        passed,
        failed,
        skipped,
    } = counts;
    println!("total: {passed} passed, {failed} failed, {skipped} skipped");
    if !broken.is_empty() || failed > 0 {
        bail!("failed: {}", broken.join(", "));
    }
    Ok(())
}
