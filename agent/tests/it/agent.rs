//! The agent's own binary, and what is asked of it on its socket.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use sam_contract::agent::api;
use sam_contract::ids::{TerminalId, WorkspaceId};
use tempfile::TempDir;

use crate::control::{Control, PATIENCE, TOKEN};

pub(crate) struct Agent {
    pub state: PathBuf,
    child: Option<Child>,
}

/// A state directory whose supervisors end with the test.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::Builder::new().prefix("sam-agent-").tempdir().unwrap())
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let slots = std::fs::read_dir(self.state().join("slots"))
            .into_iter()
            .flatten()
            .flatten();
        for slot in slots {
            let pid = std::fs::read_to_string(slot.path().join("run/supervisor.pid")).unwrap_or_default();
            if let Some(pid) = pid.trim().parse().ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

pub(crate) fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sam-agent"))
}

/// A git repository with a commit, made on the spot.
pub(crate) fn repository(folder: &Path) -> PathBuf {
    let repo = folder.join("origin");
    std::fs::create_dir(&repo).unwrap();
    git(&repo, &["init", "--quiet", "--initial-branch", "main"]);
    std::fs::write(repo.join("README.md"), "hello\n").unwrap();
    std::fs::create_dir(repo.join("src")).unwrap();
    std::fs::write(repo.join("src/main.rs"), "fn main() {}\n").unwrap();
    git(&repo, &["add", "."]);
    git(&repo, &["commit", "--quiet", "--message", "First"]);
    repo
}

pub(crate) fn git(folder: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.args([
        "-c",
        "user.name=T",
        "-c",
        "user.email=t@example.org",
        "-c",
        "safe.directory=*",
    ]);
    let output = git.args(arguments).current_dir(folder).output().unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

pub(crate) fn enrol(control: &Control, state: &Path) -> std::process::Output {
    let token = state.parent().unwrap().join("token");
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let mut enrol = command();
    enrol
        .arg("--state-dir")
        .arg(state)
        .args(["enrol", "--url", &control.url(), "--token-file"])
        .arg(token);
    enrol.output().unwrap()
}

impl Agent {
    /// Enrols and runs.
    pub(crate) async fn start(control: &Control, home: &Home, arguments: &[&str]) -> Self {
        let (control, state) = (control.clone(), home.state());
        let enrolling = state.clone();
        let output = tokio::task::spawn_blocking(move || enrol(&control, &enrolling))
            .await
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut agent = Self { state, child: None };
        agent.run(arguments);
        agent
    }

    pub(crate) fn run(&mut self, arguments: &[&str]) {
        let supervisor = sam_tests_term::supervisor::binary().unwrap();
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.state.with_extension("log"))
            .unwrap();
        let mut run = command();
        run.arg("--state-dir")
            .arg(&self.state)
            .args(["--log", "info,sam_agent=debug", "run", "--supervisor"])
            .arg(supervisor);
        run.args(arguments).stdin(Stdio::null()).stderr(log);
        self.child = Some(run.spawn().unwrap());
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// SIGTERM, and how it ended.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_raw(self.pid().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.ended().await
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the agent does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// One request on its socket.
    pub(crate) async fn request(&self, request: http::Request<Body>) -> (http::response::Parts, Bytes) {
        let stream = tokio::net::UnixStream::connect(self.state.join("agent.sock"))
            .await
            .unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        (parts, body.collect().await.unwrap().to_bytes())
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: impl Into<Body>) -> (u16, Bytes) {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", "agent");
        let request = request
            .header("content-type", "application/json")
            .body(body.into())
            .unwrap();
        let (parts, body) = self.request(request).await;
        (parts.status.as_u16(), body)
    }

    pub(crate) async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> T {
        let (status, body) = self.call("GET", path, Body::empty()).await;
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    /// Opens a terminal in the workspace and a connection to its supervisor, which outlives the agent.
    pub(crate) async fn terminal(&self, id: WorkspaceId) -> TerminalId {
        let (status, body) = self.call("POST", &format!("/v1/workspaces/{id}/terminals"), "{}").await;
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
        let terminal: api::Terminal = serde_json::from_slice(&body).unwrap();
        assert!(terminal.exit.is_none() && !terminal.name.is_empty());
        terminal.id
    }

    /// Runs a command in the workspace.
    pub(crate) async fn inside(&self, id: WorkspaceId, script: &str) -> String {
        let slot = std::fs::canonicalize(self.state.join(format!("workspaces/{id}"))).unwrap();
        let socket = slot.join("run/supervisor.sock");
        // In a container the supervisor's own folder is the working copy.
        let process = slot.join("run/supervisor.pid").exists();
        let cwd = if process {
            slot.join("repo").to_str().unwrap().to_owned()
        } else {
            String::new()
        };
        let command = sam_agent_terminals::Command {
            argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            cwd,
            env: Vec::new(),
            user: None,
            timeout: PATIENCE,
        };
        let finished = sam_agent_terminals::Terminals::new(socket)
            .run(&command, b"", 1024 * 1024)
            .await
            .unwrap();
        String::from_utf8_lossy(&finished.stdout).into_owned() + &String::from_utf8_lossy(&finished.stderr)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.kill();
    }
}
