//! Connections that break, agents that are killed, supervisors that die.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use sam_agent_terminals::{State, Terminals};
use sam_contract::ids::TerminalId;
use sam_contract::terminal::Size;
use sam_tests_term::agent::{Agent, url};
use sam_tests_term::client::{Event, Memory, Viewer};
use sam_tests_term::records;
use sam_tests_term::supervisor::Supervisor;

/// The agent's half as a process of its own, killed when dropped.
pub(crate) struct AgentProcess {
    child: Child,
    port: u16,
}

impl AgentProcess {
    pub(crate) fn start(socket: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sam-term"));
        let mut child = command.arg("serve").arg(socket).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let output = child.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap();
        Self { child, port }
    }

    pub(crate) fn url(&self, id: TerminalId) -> String {
        url(self.port, id)
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Watches records while the agent is killed at every `each`th break.
pub(crate) async fn watch_while_agents_die(socket: &Path, terminals: &Terminals, drops: u64, each: u64) -> u64 {
    let id = sam_tests_term::supervisor::shell(terminals, records::SCRIPT)
        .await
        .unwrap();
    let mut agent = AgentProcess::start(socket);
    let first = agent.url(id);
    let watched = records::watch(&first, drops, async |broken| {
        if broken % each == 0 {
            agent.child.kill()?;
            agent.child.wait()?;
            agent = AgentProcess::start(socket);
        }
        Ok(agent.url(id))
    });
    watched.await.unwrap()
}

#[tokio::test]
async fn three_hundred_broken_connections_lose_no_byte_in_either_direction() {
    let supervisor = Supervisor::start().await.unwrap();
    let agent = Agent::start(supervisor.terminals.clone()).await.unwrap();
    let url = agent.url(supervisor.shell(records::SCRIPT).await.unwrap());
    let again = url.clone();
    let checked = records::watch(&url, 300, async move |_| Ok(again.clone()))
        .await
        .unwrap();
    assert!(checked > 300 * 1000, "only {checked} bytes were checked");
}

#[tokio::test]
async fn killed_agents_lose_no_byte_in_either_direction() {
    let supervisor = Supervisor::start().await.unwrap();
    watch_while_agents_die(&supervisor.socket(), &supervisor.terminals, 40, 4).await;
}

#[tokio::test]
async fn a_killed_supervisor_is_told_as_lost() {
    let mut supervisor = Supervisor::start().await.unwrap();
    let agent = Agent::start(supervisor.terminals.clone()).await.unwrap();
    let id = supervisor.shell("echo here; cat").await.unwrap();
    supervisor.terminals.list().await.unwrap();
    let (mut viewer, _) = Viewer::attach(&agent.url(id), Memory::new().unwrap(), Size::DEFAULT)
        .await
        .unwrap();
    viewer.expect("here").await.unwrap();
    supervisor.kill().await.unwrap();
    viewer.event(|event| *event == Event::Lost).await.unwrap();
    assert_eq!(viewer.next().await.unwrap(), Event::Closed);
    assert!(supervisor.terminals.list().await.is_err());

    // The next supervisor of the workspace knows nothing of it, the agent does.
    let mut next = Command::new(sam_tests_term::supervisor::binary().unwrap())
        .args(["serve", "--socket"])
        .arg(supervisor.socket())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    supervisor
        .terminals
        .ready(sam_tests_term::client::PATIENCE)
        .await
        .unwrap();
    let lost = supervisor.terminals.get(id).await.unwrap();
    assert_eq!((lost.state, lost.pid, lost.name.as_str()), (State::Lost, None, "shell"));
    supervisor.terminals.close(id).await.unwrap();
    assert!(supervisor.terminals.list().await.unwrap().is_empty());
    supervisor.terminals.shutdown().await.unwrap();
    assert!(next.wait().unwrap().success());
}
