//! `sam-host`: arguments, logging, exit code.

use clap::Parser;
use sam_host::cli::{AuditCommand, Cli, Command, KeysCommand};
use sam_host::{audit, keys, logging, login_link, up};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::init(cli.log_format);
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Every cause on its own line, the failing step first.
            eprintln!("sam-host: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  because {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up(args) => up::command(&args),
        Command::Keys(KeysCommand::Init(args)) => keys::command::init(&args.data_dir),
        Command::Keys(KeysCommand::Rotate(args)) => keys::command::rotate(&args.data_dir),
        Command::Keys(KeysCommand::ShowIds(args)) => keys::command::show_ids(&args.data_dir),
        Command::Audit(AuditCommand::Verify(args)) => audit::command(&args.data_dir),
        Command::LoginLink(args) => login_link::command(&args.data_dir),
    }
}
