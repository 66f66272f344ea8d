//! The registry: what terminals there are, and the requests about them.
//!
//! The supervisor is the owner of everything that must survive the agent (names included). Kept here: one connection for
//! requests, who is looking, and what was seen last, so that terminals of a supervisor that died are shown as lost.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sam_contract::ids::TerminalId;
use sam_contract::terminal::{ExitStatus, Size};
use sam_supervisor::protocol::{self, Channel, Exit, Process, Reply, Request, Start, User};
use tokio::time::{Instant, sleep};

use crate::supervisor::{Boot, Connection, unexpected};
use crate::viewers::Viewers;
use crate::{Access, TerminalError};

/// Longest name of a terminal.
const NAME_BYTES_MAX: usize = 256;

/// Between two tries to reach a supervisor that is being started.
const READY_EVERY: Duration = Duration::from_millis(10);

/// A terminal to create.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Made by the caller, so that creating can be tried again.
    pub id: TerminalId,
    /// What people call it.
    pub name: String,
    /// Program and arguments: a login shell.
    pub argv: Vec<String>,
    /// Working folder; empty means the supervisor's.
    pub cwd: String,
    /// Added to the supervisor's environment.
    pub env: Vec<(String, String)>,
    /// Size until somebody looks.
    pub size: Size,
    /// Who it runs as; without, as the supervisor.
    pub user: Option<User>,
}

/// How a terminal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its program runs.
    Running,
    /// Its program ended; the output can still be read.
    Exited(ExitStatus),
    /// Its supervisor died, and the program with it.
    Lost,
}

/// A terminal of the workspace. Times are UTC epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminal {
    /// Its id.
    pub id: TerminalId,
    /// What people call it.
    pub name: String,
    /// How it stands.
    pub state: State,
    /// The program's process id in the workspace, while it runs.
    pub pid: Option<u32>,
    /// Its size.
    pub size: Size,
    /// Who is looking, over this agent.
    pub viewers: usize,
    /// When it was made.
    pub created_ms: i64,
    /// When something was typed last.
    pub last_input_ms: Option<i64>,
    /// When it printed last.
    pub last_output_ms: Option<i64>,
}

/// The terminals of one workspace. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Terminals {
    shared: Arc<Shared>,
}

struct Shared {
    socket: PathBuf,
    /// Absent while a request uses it: one that is cancelled midway takes its half-used connection with it.
    control: tokio::sync::Mutex<Option<Connection>>,
    seen: Mutex<Seen>,
    viewers: Mutex<BTreeMap<TerminalId, Viewers>>,
}

#[derive(Default)]
struct Seen {
    boot: Option<Boot>,
    terminals: BTreeMap<TerminalId, Terminal>,
    lost: BTreeMap<TerminalId, Terminal>,
}

impl Terminals {
    /// For the supervisor on `socket`. Connects when it has to, again and again.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            shared: Arc::new(Shared {
                socket: socket.into(),
                control: tokio::sync::Mutex::new(None),
                seen: Mutex::default(),
                viewers: Mutex::default(),
            }),
        }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.shared.socket
    }

    /// Waits until the supervisor answers.
    pub async fn ready(&self, within: Duration) -> Result<(), TerminalError> {
        let deadline = Instant::now() + within;
        loop {
            match self.list().await {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(_) => sleep(READY_EVERY).await,
            }
        }
    }

    /// Starts a terminal.
    pub async fn create(&self, spec: &Spec) -> Result<Terminal, TerminalError> {
        check("name", &spec.name, NAME_BYTES_MAX)?;
        check("cwd", &spec.cwd, protocol::TEXT_BYTES_MAX)?;
        let size = spec.size.cut();
        let start = Start {
            id: spec.id.to_string(),
            meta: spec.name.clone(),
            argv: spec.argv.clone(),
            cwd: spec.cwd.clone(),
            env: spec.env.clone(),
            user: spec.user,
            channel: Channel::Pty(protocol::Size {
                cols: size.cols,
                rows: size.rows,
            }),
        };
        self.start(start).await?;
        self.get(spec.id).await
    }

    pub(crate) async fn start(&self, start: Start) -> Result<u32, TerminalError> {
        match self.ask(Request::Start(start)).await? {
            Answer::Started(pid) => Ok(pid),
            _ => Err(TerminalError::Protocol("a start was not answered as one".to_owned())),
        }
    }

    /// All terminals, oldest first: running, ended and not yet closed, and lost.
    pub async fn list(&self) -> Result<Vec<Terminal>, TerminalError> {
        let Answer::Listing(boot, processes) = self.ask(Request::List).await? else {
            return Err(TerminalError::Protocol("a list was not answered as one".to_owned()));
        };
        let viewers = lock(&self.shared.viewers);
        let watching = |id: TerminalId| viewers.get(&id).map_or(0, Viewers::count);
        let found = processes.into_iter().filter_map(|process| describe(process, watching));
        let terminals: BTreeMap<TerminalId, Terminal> = found.map(|terminal| (terminal.id, terminal)).collect();
        let mut seen = lock(&self.shared.seen);
        if seen.boot.is_some_and(|known| known != boot) {
            // Another supervisor: what the former one had is gone.
            let gone = std::mem::take(&mut seen.terminals);
            let lost = gone.into_iter().map(|(id, terminal)| {
                let state = State::Lost;
                (
                    id,
                    Terminal {
                        state,
                        pid: None,
                        ..terminal
                    },
                )
            });
            seen.lost.extend(lost);
        }
        seen.boot = Some(boot);
        seen.terminals.clone_from(&terminals);
        let mut all: Vec<Terminal> = terminals.into_values().chain(seen.lost.values().cloned()).collect();
        all.sort_by_key(|terminal| (terminal.created_ms, terminal.id));
        Ok(all)
    }

    /// One terminal.
    pub async fn get(&self, id: TerminalId) -> Result<Terminal, TerminalError> {
        let found = self.list().await?.into_iter().find(|terminal| terminal.id == id);
        found.ok_or(TerminalError::NotFound)
    }

    /// Gives it another name.
    pub async fn rename(&self, id: TerminalId, name: &str) -> Result<Terminal, TerminalError> {
        check("name", name, NAME_BYTES_MAX)?;
        let describe = Request::Describe {
            id: id.to_string(),
            meta: name.to_owned(),
        };
        self.ask(describe).await?;
        self.get(id).await
    }

    /// Ends it if it runs, and forgets it. One that is not there is closed.
    pub async fn close(&self, id: TerminalId) -> Result<(), TerminalError> {
        if lock(&self.shared.seen).lost.remove(&id).is_some() {
            return Ok(());
        }
        self.remove(id.to_string()).await?;
        lock(&self.shared.seen).terminals.remove(&id);
        Ok(())
    }

    pub(crate) async fn remove(&self, id: String) -> Result<(), TerminalError> {
        self.ask(Request::Remove { id }).await.map(drop)
    }

    /// When something was typed last, in any terminal.
    pub async fn last_input_ms(&self) -> Result<Option<i64>, TerminalError> {
        Ok(self
            .list()
            .await?
            .iter()
            .filter_map(|terminal| terminal.last_input_ms)
            .max())
    }

    /// When something was typed or printed last, in any terminal.
    pub async fn last_activity_ms(&self) -> Result<Option<i64>, TerminalError> {
        let terminals = self.list().await?;
        let times = terminals
            .iter()
            .map(|terminal| terminal.last_input_ms.max(terminal.last_output_ms));
        Ok(times.max().flatten())
    }

    /// Ends every process of the workspace and then the supervisor.
    pub async fn shutdown(&self) -> Result<(), TerminalError> {
        self.ask(Request::Shutdown).await.map(drop)
    }

    /// Whether this terminal was seen, and its supervisor is not the one that answers now, or none answers.
    pub(crate) async fn is_lost(&self, id: TerminalId, boot: Option<Boot>) -> bool {
        match Connection::open(self.socket()).await {
            Ok(connection) => {
                let seen = lock(&self.shared.seen);
                let known = boot.or(seen.boot.filter(|_| seen.terminals.contains_key(&id)));
                seen.lost.contains_key(&id) || known.is_some_and(|known| known != connection.boot)
            }
            Err(TerminalError::Unreachable(_)) => boot.is_some() || lock(&self.shared.seen).terminals.contains_key(&id),
            Err(_) => false,
        }
    }

    pub(crate) fn join(&self, id: TerminalId, size: Size, access: Access) -> Option<u64> {
        lock(&self.shared.viewers).entry(id).or_default().join(size, access)
    }

    pub(crate) fn leave(&self, id: TerminalId, key: u64) {
        let mut viewers = lock(&self.shared.viewers);
        if let Some(present) = viewers.get_mut(&id) {
            present.leave(key);
            if present.count() == 0 {
                viewers.remove(&id);
            }
        }
    }

    /// True when the terminal should change its size.
    pub(crate) fn typed(&self, id: TerminalId, key: u64) -> bool {
        lock(&self.shared.viewers)
            .get_mut(&id)
            .is_some_and(|viewers| viewers.typed(key))
    }

    pub(crate) fn resized(&self, id: TerminalId, key: u64, size: Size) {
        if let Some(viewers) = lock(&self.shared.viewers).get_mut(&id) {
            viewers.resized(key, size);
        }
    }

    fn wanted_size(&self, id: TerminalId) -> Option<Size> {
        lock(&self.shared.viewers).get(&id).and_then(Viewers::size)
    }

    /// Gives the terminal the size that its viewers want, until that is what they still want: several sessions may be
    /// at this at once, and the last one to finish must not have been overtaken.
    pub(crate) async fn apply_size(&self, id: TerminalId) -> Result<(), TerminalError> {
        let mut wanted = self.wanted_size(id);
        while let Some(size) = wanted {
            let resize = Request::Resize {
                id: id.to_string(),
                size: protocol::Size {
                    cols: size.cols,
                    rows: size.rows,
                },
            };
            self.ask(resize).await?;
            let now = self.wanted_size(id);
            wanted = now.filter(|now| *now != size);
        }
        Ok(())
    }

    /// Makes the program draw its screen anew.
    pub(crate) async fn redraw(&self, id: TerminalId) -> Result<(), TerminalError> {
        self.ask(Request::Redraw { id: id.to_string() }).await.map(drop)
    }

    /// Asks over the kept connection. One that broke is opened anew, and the request sent again: each may be repeated.
    async fn ask(&self, request: Request<'_>) -> Result<Answer, TerminalError> {
        let mut control = self.shared.control.lock().await;
        if let Some(mut connection) = control.take() {
            match answer(&mut connection, &request).await {
                Err(TerminalError::Unreachable(_)) => {}
                answered => {
                    if !matches!(answered, Err(TerminalError::TimedOut(_) | TerminalError::Protocol(_))) {
                        *control = Some(connection);
                    }
                    return answered;
                }
            }
        }
        let mut connection = Connection::open(self.socket()).await?;
        let answered = answer(&mut connection, &request).await;
        if !matches!(
            answered,
            Err(TerminalError::Unreachable(_) | TerminalError::TimedOut(_) | TerminalError::Protocol(_))
        ) {
            *control = Some(connection);
        }
        answered
    }
}

/// A reply that no longer borrows from its connection.
enum Answer {
    Done,
    Started(u32),
    Listing(Boot, Vec<Process>),
}

async fn answer(connection: &mut Connection, request: &Request<'_>) -> Result<Answer, TerminalError> {
    let boot = connection.boot;
    match connection.ask(request).await? {
        Reply::Done => Ok(Answer::Done),
        Reply::Started { pid } => Ok(Answer::Started(pid)),
        Reply::Listing(processes) => Ok(Answer::Listing(boot, processes)),
        other => Err(unexpected(other)),
    }
}

fn check(field: &'static str, text: &str, bytes_max: usize) -> Result<(), TerminalError> {
    if text.len() > bytes_max {
        return Err(TerminalError::TooLong { field, bytes_max });
    }
    Ok(())
}

/// `None` for what is no terminal: a piped process, or one that somebody else started.
fn describe(process: Process, watching: impl Fn(TerminalId) -> usize) -> Option<Terminal> {
    let size = process.size?;
    let id: TerminalId = process.id.parse().ok()?;
    let time = |ms: u64| i64::try_from(ms).ok().filter(|ms| *ms > 0);
    Some(Terminal {
        id,
        name: process.meta,
        state: process
            .exit
            .map_or(State::Running, |exit| State::Exited(exit_status(exit))),
        pid: process.exit.is_none().then_some(process.pid),
        size: Size {
            cols: size.cols,
            rows: size.rows,
        },
        viewers: watching(id),
        created_ms: time(process.created_ms).unwrap_or_default(),
        last_input_ms: time(process.last_input_ms),
        last_output_ms: time(process.last_output_ms),
    })
}

pub(crate) fn exit_status(exit: Exit) -> ExitStatus {
    match exit {
        Exit::Code(code) => ExitStatus::Code(code),
        Exit::Signal(signal) => ExitStatus::Signal(signal),
    }
}

/// Nothing is left half-changed under these locks, so that a panic elsewhere does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
