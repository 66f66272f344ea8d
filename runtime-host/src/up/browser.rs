//! Opens the sign-in link for a person who sits at this machine.

use std::io::{IsTerminal, stdout};
use std::process::{Command, Stdio};
use tracing::debug;

/// Opens `url` in the desktop's browser if standard output is a terminal and there is a desktop. Never fails: the link is
/// printed as well.
pub(super) fn open(url: &str) {
    if !stdout().is_terminal() {
        return;
    }
    let opener = Command::new("xdg-open")
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = opener {
        debug!(%error, "no browser was opened");
    }
}
