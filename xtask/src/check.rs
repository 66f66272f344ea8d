//! `cargo xtask check`: formatting, types, lints and licences.

use anyhow::Result;

use crate::build;
use crate::need;
use crate::process::{cargo, npm, root, step};

/// How much.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only what compiles nothing: formatting, and the types of web app and browser tests. A minute instead of many.
    #[arg(long)]
    fast: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    step("formatting", cargo().args(["fmt", "--all", "--check"]))?;
    for (what, folder) in [("web app", "web"), ("browser tests", "tests/e2e")] {
        need::node()?;
        let folder = root().join(folder);
        build::node_modules(&folder)?;
        step(
            &format!("types and formatting of the {what}"),
            npm(&folder).args(["run", "--silent", "check"]),
        )?;
    }
    if args.fast {
        return Ok(());
    }
    step(
        "lints of native code",
        cargo().args(["clippy", "--all-targets", "--", "--deny", "warnings"]),
    )?;
    need::wasm_target()?;
    crate::gen_files::wit_dependencies()?;
    let mut components = cargo();
    components.args(["clippy", "--release", "--target", need::WASM_TARGET]);
    for package in build::component_packages()? {
        components.args(["--package", &package]);
    }
    step("lints of components", components.args(["--", "--deny", "warnings"]))?;
    if need::found("cargo-deny") {
        step(
            "licences and advisories",
            cargo().args(["deny", "--offline", "check", "licenses", "bans", "sources"]),
        )?;
    } else {
        eprintln!("▸ licences: skipped, `cargo install --locked cargo-deny` adds them");
    }
    Ok(())
}
