//! The command line. Every option can also be given by the environment variable that its help names.

use crate::logging::LogFormat;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Runs Simple Agent Manager (SAM) on this machine.
///
/// Start with `sam-host up`: it makes a data directory with fresh keys, starts the web app and prints a link that signs
/// you in. Stop it with Ctrl-C; run the same command again and everything is still there.
#[derive(Debug, Parser)]
#[command(name = "sam-host", version, max_term_width = 100)]
pub struct Cli {
    /// How log lines on standard error look.
    #[arg(long, value_enum, default_value_t, global = true, env = "SAM_LOG_FORMAT")]
    pub log_format: LogFormat,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands of `sam-host`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start SAM. Prints two lines, `ready: <address>` and `login: <link>`, then logs to standard error.
    Up(UpArgs),
    /// Make, rotate or list the keys that protect stored secrets.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Check the audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print a fresh sign-in link for the administrator of the SAM that is running on a data directory.
    LoginLink(DataDirArgs),
}

/// The commands about keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make the keys that are missing. `sam-host up` does it by itself at its first start.
    Init(DataDirArgs),
    /// Add a new key and make it the active one. Old keys stay, so that what they protect can still be read.
    Rotate(DataDirArgs),
    /// List the ids of all keys, never the keys.
    ShowIds(DataDirArgs),
}

/// The commands about the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check that no sealed row of the audit log was changed, removed or inserted. Fails if one was.
    Verify(DataDirArgs),
}

/// A command that needs only to know the installation.
#[derive(Debug, Args)]
pub struct DataDirArgs {
    /// The directory that holds all data of the installation.
    #[arg(long, value_name = "DIR", default_value = ".sam", env = "SAM_DATA_DIR")]
    pub data_dir: PathBuf,
}

/// Options of `sam-host up`.
#[derive(Clone, Debug, Args)]
pub struct UpArgs {
    /// Where browsers connect, as ADDRESS:PORT. Port 0 takes a free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787", env = "SAM_LISTEN")]
    pub listen: String,
    /// Where metrics and the other commands connect: a loopback ADDRESS:PORT, or "off".
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", env = "SAM_ADMIN_LISTEN")]
    pub admin_listen: String,
    /// The directory for all data; made at the first start, readable by you only.
    #[arg(long, value_name = "DIR", default_value = ".sam", env = "SAM_DATA_DIR")]
    pub data_dir: PathBuf,
    /// The directory for compiled components [default: cache inside the data directory].
    #[arg(long, value_name = "DIR", env = "SAM_CACHE_DIR")]
    pub cache_dir: Option<PathBuf>,
    /// The application to run.
    #[arg(long, value_name = "FILE", default_value = "spin.toml", env = "SAM_MANIFEST")]
    pub manifest: PathBuf,
    /// The address in browsers' address bars, if a proxy with HTTPS stands in front [default: the listen address].
    #[arg(long, value_name = "URL", env = "SAM_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Further host names to answer to, apart from that of the public URL; `*.example.org` means all below.
    #[arg(long, value_name = "NAME", value_delimiter = ',', env = "SAM_HOST_NAMES")]
    pub host_names: Vec<String>,
    /// The domain below which workspaces have hosts of their own, `ws-*.DOMAIN` [default: the public URL's host, on this
    /// machine `localhost`]. Its DNS must lead all names below it here.
    #[arg(long, value_name = "DOMAIN", env = "SAM_WORKSPACE_DOMAIN")]
    pub workspace_domain: Option<String>,
    /// The agent that makes this machine a node [default: sam-agent beside sam-host, if there is one].
    #[arg(long, value_name = "FILE", env = "SAM_AGENT_BIN")]
    pub agent_bin: Option<PathBuf>,
    /// Do not make this machine a node.
    #[arg(long, env = "SAM_NO_LOCAL_NODE")]
    pub no_local_node: bool,
    /// Allow plain HTTP on addresses that others can reach. Passwords and sessions can then be read on the way.
    #[arg(long, env = "SAM_INSECURE_HTTP")]
    pub insecure_http: bool,
    /// Do not open the sign-in link in a browser.
    #[arg(long)]
    pub no_open: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
