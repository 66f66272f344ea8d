//! `cargo xtask up`: from a clone to a signed-in control plane.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::agent;
use crate::build::{self, Profile};
use crate::process::root;

/// What a person may choose; the rest is the host's own defaults.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Address and port to listen on. Anything but loopback needs HTTPS in front or `--insecure-http`.
    #[arg(long, default_value = "127.0.0.1:8787", value_name = "ADDR")]
    listen: String,
    /// Where keys, databases and objects live.
    #[arg(long, default_value = ".sam", value_name = "DIR")]
    data_dir: PathBuf,
    /// Do not open a browser.
    #[arg(long)]
    no_open: bool,
    /// Build the host with all optimisations.
    #[arg(long)]
    release: bool,
    /// Further arguments for `sam-host up`.
    #[arg(last = true)]
    rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let data_dir = std::env::current_dir()?.join(&args.data_dir);
    build::components()?;
    build::web()?;
    let profile = if args.release { Profile::Release } else { Profile::Dev };
    let host = build::host(profile)?;
    let agent = agent::stage(profile, &agent::supervisor()?)?;
    agent::base_image()?;

    let mut command = Command::new(&host);
    command
        .current_dir(root())
        .args(["up", "--manifest", "spin.toml", "--listen", &args.listen]);
    command.arg("--data-dir").arg(&data_dir);
    command.arg("--agent-bin").arg(&agent).args(&args.rest);
    if args.no_open {
        command.arg("--no-open");
    }
    // The host takes this process's place, so that Ctrl-C, exit status and output are its own.
    Err(command.exec()).with_context(|| format!("cannot start {}", host.display()))
}
