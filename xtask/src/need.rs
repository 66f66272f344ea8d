//! What must be on the machine. Each need is met by installing it, or named in one line that says how.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::process::step;

/// The target all components are built for.
pub(crate) const WASM_TARGET: &str = "wasm32-wasip2";

/// Node older than this lacks what Vite needs.
const NODE_MAJOR_MIN: u32 = 20;

/// The wasm target of the pinned toolchain.
pub(crate) fn wasm_target() -> Result<()> {
    rust_target(WASM_TARGET)
}

/// A target of the pinned toolchain.
pub(crate) fn rust_target(target: &str) -> Result<()> {
    let installed = output("rustup", &["target", "list", "--installed"]).unwrap_or_default();
    if installed.lines().any(|line| line == target) {
        return Ok(());
    }
    step(
        &format!("install the target {target}"),
        Command::new("rustup").args(["target", "add", target]),
    )
}

/// Node.js and npm, for the web app.
pub(crate) fn node() -> Result<()> {
    let Some(version) = output("node", &["--version"]) else {
        bail!("Node.js {NODE_MAJOR_MIN} or newer is needed to build the web app; install it and npm, then try again");
    };
    let major: u32 = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    if major < NODE_MAJOR_MIN {
        bail!(
            "Node.js {NODE_MAJOR_MIN} or newer is needed to build the web app; found {}",
            version.trim()
        );
    }
    if output("npm", &["--version"]).is_none() {
        bail!("npm is needed to build the web app; install it, then try again");
    }
    Ok(())
}

/// A program from a Debian package; installed when we are root, else named.
pub(crate) fn debian(program: &str, package: &str) -> Result<()> {
    if found(program) {
        return Ok(());
    }
    if !is_root() || !found("apt-get") {
        bail!("`{program}` is needed; install it with: sudo apt-get install -y {package}");
    }
    step(
        "update Debian's package lists",
        Command::new("apt-get").args(["update", "-q"]),
    )?;
    let mut install = Command::new("apt-get");
    install
        .args(["install", "-y", "-q", "--no-install-recommends", package])
        .env("DEBIAN_FRONTEND", "noninteractive");
    step(&format!("install {package}"), &mut install)
}

/// Whether we may install packages.
pub(crate) fn is_root() -> bool {
    output("id", &["-u"]).is_some_and(|uid| uid.trim() == "0")
}

/// Whether `program` is on the path.
pub(crate) fn found(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// What a program prints, if it succeeds.
pub(crate) fn output(program: &str, args: &[&str]) -> Option<String> {
    let out = Command::new(program).args(args).stderr(Stdio::null()).output().ok()?;
    out.status
        .success()
        .then(|| String::from_utf8_lossy(&out.stdout).into_owned())
}
