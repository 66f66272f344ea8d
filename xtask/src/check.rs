//! `cargo xtask check`: formatting, lints and licences.

use anyhow::Result;

use crate::build;
use crate::need;
use crate::process::{cargo, npm, root, step};

pub(crate) fn run() -> Result<()> {
    step("formatting", cargo().args(["fmt", "--all", "--check"]))?;
    step(
        "lints of native code",
        cargo().args(["clippy", "--all-targets", "--", "--deny", "warnings"]),
    )?;
    need::wasm_target()?;
    let mut components = cargo();
    components.args(["clippy", "--release", "--target", need::WASM_TARGET]);
    for package in build::component_packages()? {
        components.args(["--package", &package]);
    }
    step("lints of components", components.args(["--", "--deny", "warnings"]))?;
    step(
        "types of the web app",
        npm(&root().join("web")).args(["run", "--silent", "check"]),
    )?;
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
