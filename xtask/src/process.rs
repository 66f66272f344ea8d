//! Running other programs: what is started is said, a failure names the command.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// The repository's root folder.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where cargo puts artifacts: `CARGO_TARGET_DIR`, or `target/` in the root.
pub(crate) fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// A cargo command in the root folder, free of what the outer cargo left in the environment.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        // `cargo run` exports the package's own variables; build scripts of other packages must not see them.
        if name.starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" || name == "CARGO_MANIFEST_PATH" {
            command.env_remove(name);
        }
    }
    command
}

/// An npm command in `folder`, quiet about funding and audits.
pub(crate) fn npm(folder: &Path) -> Command {
    let mut command = Command::new("npm");
    command
        .current_dir(folder)
        .env("npm_config_fund", "false")
        .env("npm_config_audit", "false");
    command
}

/// Says what happens on standard error, runs it, and fails with the command line when it fails.
/// Standard output of the child goes to standard error: standard output belongs to the two lines of `up`.
pub(crate) fn step(what: &str, command: &mut Command) -> Result<()> {
    let started = Instant::now();
    eprintln!("▸ {what}");
    let status = command
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("{what}: cannot start `{}`", line(command)))?;
    if !status.success() {
        bail!("{what}: `{}` ended with {status}", line(command));
    }
    eprintln!("  {what}: {:.1} s", started.elapsed().as_secs_f32());
    Ok(())
}

/// Runs a command, hands each line of its standard output to `each` and to our standard output.
/// Returns whether it succeeded.
pub(crate) fn tee(command: &mut Command, mut each: impl FnMut(&str)) -> Result<bool> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    if let Some(stdout) = child.stdout.take() {
        for text in BufReader::new(stdout).lines() {
            let text = text.with_context(|| format!("reading the output of `{}`", line(command)))?;
            println!("{text}");
            each(&text);
        }
    }
    Ok(child.wait()?.success())
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}
