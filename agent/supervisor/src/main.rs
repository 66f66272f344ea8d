//! `sam-supervisor serve --socket PATH [--daemonize] [--pid-file PATH]`: arguments, the socket, going to the background.
//!
//! As PID 1 of a container it only has to be started. Two supervisors never serve one socket: a lock file beside it
//! belongs to the living one.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use rustix::fs::{FlockOperation, flock};
use sam_supervisor::server::{Server, end_descendants};
use sam_supervisor::socket::Reachable;

const USAGE: &str =
    "usage: sam-supervisor serve --socket PATH [--daemonize] [--pid-file PATH] | sam-supervisor --version";

/// What the background process says once its socket accepts connections.
const LISTENING: &str = "listening";

/// What it says when another one serves the socket already.
const SERVED: &str = "served already";

#[derive(Default)]
struct Options {
    socket: PathBuf,
    pid_file: Option<PathBuf>,
    daemonize: bool,
    /// Given by ourselves to the background process.
    detached: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--version") {
        return say(&format!("sam-supervisor {}", env!("CARGO_PKG_VERSION")));
    }
    let Some(options) = parse(&arguments) else {
        return fail(USAGE);
    };
    let done = if options.daemonize {
        daemonize(&arguments)
    } else {
        serve(&options)
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("sam-supervisor: {error}")),
    }
}

fn parse(arguments: &[String]) -> Option<Options> {
    let mut options = Options::default();
    let mut words = arguments.iter();
    if words.next()? != "serve" {
        return None;
    }
    while let Some(word) = words.next() {
        match word.as_str() {
            "--socket" => options.socket = words.next()?.into(),
            "--pid-file" => options.pid_file = Some(words.next()?.into()),
            "--daemonize" => options.daemonize = true,
            "--detached" => options.detached = true,
            _ => return None,
        }
    }
    (!options.socket.as_os_str().is_empty()).then_some(options)
}

/// Starts ourselves in the background and returns once the socket accepts connections.
fn daemonize(arguments: &[String]) -> io::Result<()> {
    let kept = arguments.iter().filter(|argument| *argument != "--daemonize");
    let mut child = Command::new(std::env::current_exe()?)
        .args(kept)
        .arg("--detached")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut first = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output).read_line(&mut first)?;
    }
    match first.trim() {
        LISTENING | SERVED => Ok(()),
        _ => Err(io::Error::other("the background process ended early")),
    }
}

fn serve(options: &Options) -> io::Result<()> {
    if options.detached {
        // Not a group leader, since we were just forked: this cannot fail, and no terminal's hang-up reaches us.
        rustix::process::setsid()?;
    }
    let path = absolute(&options.socket)?;
    let reachable = Reachable::new(&path)?;
    let lock = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path.with_added_extension("lock"))?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        if options.detached {
            say(SERVED);
            return Ok(());
        }
        return Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another supervisor serves this socket",
        ));
    }
    // Whatever is there was left by one that is gone: we hold the lock.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = bind(&reachable)?;
    // Orphans come to us instead of to the system's init, so that we can end them. As PID 1 that is so anyway.
    rustix::process::set_child_subreaper(rustix::process::Pid::from_raw(1))?;
    let server = Server::new(listener)?;
    if let Some(file) = &options.pid_file {
        fs::write(file, format!("{}\n", std::process::id()))?;
    }
    say(LISTENING);
    if options.detached {
        let null = OpenOptions::new().write(true).open("/dev/null")?;
        rustix::stdio::dup2_stdout(&null)?;
        rustix::stdio::dup2_stderr(&null)?;
    }
    let ended = server.run();
    drop(fs::remove_file(&path));
    end_descendants();
    if let Some(file) = &options.pid_file {
        drop(fs::remove_file(file));
    }
    ended
}

/// Nobody may connect in the moment between creating the socket and restricting it.
fn bind(reachable: &Reachable) -> io::Result<UnixListener> {
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(reachable.path());
    rustix::process::umask(before);
    let listener = listener?;
    fs::set_permissions(reachable.path(), Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn absolute(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(path)
}

fn say(text: &str) -> ExitCode {
    let mut out = io::stdout();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn fail(text: &str) -> ExitCode {
    // Nobody may be listening any more; the exit code says it too.
    drop(writeln!(io::stderr(), "{text}"));
    ExitCode::FAILURE
}
