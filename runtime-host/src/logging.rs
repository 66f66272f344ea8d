//! Logs go to standard error; standard output is for results.

use clap::ValueEnum;
use std::io::{IsTerminal, stderr};
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Names the filter in the environment, in the syntax of `tracing`: `debug`, `warn,sam_edge::access=off`, …
pub const FILTER_ENV: &str = "SAM_LOG";

/// The object store's libraries log whole requests with their signatures at `info`; their errors are enough.
const FILTER: &str = "info,s3s=error,s3s_fs=error,wasmtime=warn,cranelift=warn";

/// Starts logging. Called once, first.
pub fn init(format: LogFormat) {
    let wanted = std::env::var(FILTER_ENV).unwrap_or_default();
    let filter = EnvFilter::try_new(format!("{FILTER},{wanted}")).unwrap_or_else(|_| EnvFilter::new(FILTER));
    let lines = tracing_subscriber::fmt().with_writer(stderr).with_env_filter(filter);
    // A logger that is set already belongs to a test, which may keep it.
    let _already_set = match format {
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}
