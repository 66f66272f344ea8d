//! Starting a program on a new terminal or on pipes, in a session of its own.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::{Gid, OFlags, Uid};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{InputModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

use crate::protocol::{Channel, Size, Start};

/// Our ends of what the program reads and writes, non-blocking.
pub(super) struct Ends {
    /// The terminal, or standard input.
    pub(super) input: Option<OwnedFd>,
    /// Standard output; for a terminal nothing, it is `input`.
    pub(super) out: Option<OwnedFd>,
    pub(super) err: Option<OwnedFd>,
}

/// Starts `start` with `files` as its limit of open files; returns its process id and our ends.
pub(super) fn spawn(start: &Start, files: Rlimit) -> io::Result<(u32, Ends)> {
    let (program, arguments) = start
        .argv
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "argv is empty"))?;
    let mut command = Command::new(program);
    command.args(arguments);
    if !start.cwd.is_empty() {
        // Looked at here, because otherwise a missing folder and a missing program read the same.
        if !Path::new(&start.cwd).is_dir() {
            let message = format!("the folder `{}` does not exist", start.cwd);
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
        command.current_dir(&start.cwd);
    }
    if let Some(user) = start.user {
        command.uid(user.uid).gid(user.gid);
    }
    let ends = match start.channel {
        Channel::Pty(size) => {
            command.env("TERM", "xterm-256color").env("COLORTERM", "truecolor");
            on_terminal(&mut command, start, size)?
        }
        Channel::Pipes { .. } => on_pipes(&mut command),
    };
    command.envs(start.env.iter().map(|(name, value)| (name, value)));
    let is_terminal = ends.is_some();
    own_session(&mut command, is_terminal, files);
    let mut child = command.spawn().map_err(|error| {
        let message = format!("`{program}` cannot be started: {error}");
        io::Error::new(error.kind(), message)
    })?;
    let ends = match ends {
        Some(terminal) => Ends {
            input: Some(terminal),
            out: None,
            err: None,
        },
        None => Ends {
            input: child.stdin.take().map(OwnedFd::from),
            out: child.stdout.take().map(OwnedFd::from),
            err: child.stderr.take().map(OwnedFd::from),
        },
    };
    for end in [&ends.input, &ends.out, &ends.err].into_iter().flatten() {
        let flags = rustix::fs::fcntl_getfl(end)?;
        rustix::fs::fcntl_setfl(end, flags | OFlags::NONBLOCK)?;
    }
    Ok((child.id(), ends))
}

fn on_pipes(command: &mut Command) -> Option<OwnedFd> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    None
}

/// Opens a terminal and gives its other side to `command`; returns our side.
fn on_terminal(command: &mut Command, start: &Start, size: Size) -> io::Result<Option<OwnedFd>> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let theirs = ioctl_tiocgptpeer(&ours, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    let mut modes = tcgetattr(&theirs)?;
    // Backspace in a shell without line editing removes a character, not a byte.
    modes.input_modes |= InputModes::IUTF8;
    tcsetattr(&theirs, OptionalActions::Now, &modes)?;
    resize(&ours, size)?;
    if let Some(user) = start.user {
        // So that the program may open its terminal by name.
        rustix::fs::fchown(&theirs, Some(Uid::from_raw(user.uid)), Some(Gid::from_raw(user.gid)))?;
    }
    command
        .stdin(theirs.try_clone()?)
        .stdout(theirs.try_clone()?)
        .stderr(theirs);
    Ok(Some(ours))
}

pub(super) fn resize(terminal: &OwnedFd, size: Size) -> io::Result<()> {
    let size = Winsize {
        ws_row: size.rows.max(1),
        ws_col: size.cols.max(1),
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    Ok(tcsetwinsize(terminal, size)?)
}

/// A session of its own, so that signals reach the whole job, with the terminal as the controlling one.
#[allow(unsafe_code)] // The only place: std offers neither `setsid` nor TIOCSCTTY.
fn own_session(command: &mut Command, is_terminal: bool, files: Rlimit) {
    let between_fork_and_exec = move || {
        rustix::process::setsid()?;
        setrlimit(Resource::Nofile, files)?;
        if is_terminal {
            rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
        }
        Ok(())
    };
    // SAFETY: the closure runs after fork in the child of a single-threaded process and makes three system calls through
    // rustix, which neither allocates nor locks.
    unsafe {
        command.pre_exec(between_fork_and_exec);
    }
}
