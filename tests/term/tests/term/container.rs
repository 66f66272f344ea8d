//! The supervisor as PID 1 of a container that has nothing of ours but a bind mount.

use std::time::Duration;

use sam_agent_terminals::{Command, State, User};
use sam_contract::terminal::{ExitStatus, Size};
use sam_tests_term::client::{Memory, PATIENCE, Viewer};
use sam_tests_term::container::{Container, docker_answers};

use crate::faults::{AgentProcess, watch_while_agents_die};

async fn start() -> Option<Container> {
    if !docker_answers() {
        eprintln!("NOT TESTED: no Docker engine answers, so nothing was tried in a container");
        return None;
    }
    Some(Container::start().await.unwrap())
}

#[tokio::test]
async fn killed_agents_lose_no_byte_of_a_shell_in_a_container() {
    let Some(container) = start().await else { return };
    watch_while_agents_die(&container.socket(), &container.terminals, 24, 3).await;
}

#[tokio::test]
async fn as_the_first_process_it_reaps_and_stops() {
    let Some(container) = start().await else { return };
    let run = async |script: &str, user: Option<User>| {
        let command = Command {
            argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            cwd: String::new(),
            env: vec![("PATH".to_owned(), "/bin".to_owned())],
            user,
            timeout: PATIENCE,
        };
        container.terminals.run(&command, b"", 1 << 20).await.unwrap()
    };
    // Children whose parents are gone come to PID 1, and leave no zombie.
    let orphans = run("i=0; while [ $i -lt 20 ]; do (sleep 0.01 &); i=$((i+1)); done", None).await;
    assert_eq!(orphans.status, ExitStatus::Code(0));
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let processes = run("ps", None).await;
        let text = String::from_utf8(processes.stdout).unwrap();
        assert!(
            text.lines()
                .any(|line| line.trim_start().starts_with("1 ") && line.contains("/.sam/supervisor"))
        );
        if !text.contains("sleep") {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "zombies stay:\n{text}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let user = Some(User { uid: 1234, gid: 1235 });
    assert_eq!(run("echo $(id -u) $(id -g)", user).await.stdout, b"1234 1235\n");

    // A shell of another user owns its terminal.
    let spec = sam_agent_terminals::Spec {
        user,
        ..sam_tests_term::supervisor::spec(&["/bin/sh", "-c", "echo mine >$(tty); exec cat"]).unwrap()
    };
    let id = container.terminals.create(&spec).await.unwrap().id;
    let agent = AgentProcess::start(&container.socket());
    let (mut viewer, _) = Viewer::attach(&agent.url(id), Memory::new().unwrap(), Size::DEFAULT)
        .await
        .unwrap();
    viewer.expect("mine\r\n").await.unwrap();
    assert_eq!(container.terminals.get(id).await.unwrap().state, State::Running);

    let took = container.stop().unwrap();
    assert!(took < Duration::from_secs(8), "docker had to kill it after {took:?}");
}
