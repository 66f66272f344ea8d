//! The supervisor as a program: background, one per socket, leaving nothing behind.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sam_agent_terminals::{Terminals, launch_detached};
use sam_tests_term::client::PATIENCE;
use sam_tests_term::supervisor::{Supervisor, binary, resident_kib, shell};

fn alive(pid: u32) -> bool {
    // A zombie still has a folder in /proc, but no command line.
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

async fn gone(pid: u32) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while alive(pid) {
        assert!(tokio::time::Instant::now() < deadline, "process {pid} is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn pid_in(file: &Path) -> u32 {
    std::fs::read_to_string(file).unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn in_the_background_it_serves_alone_and_ends_all_it_started() {
    // Deeper than a socket's path may be long.
    let folder = tempfile::tempdir().unwrap();
    let deep = folder
        .path()
        .join("a-folder-with-a-long-name".repeat(3))
        .join("and-another-one-below-it".repeat(2));
    std::fs::create_dir_all(&deep).unwrap();
    let (socket, pid_file) = (deep.join("supervisor.sock"), deep.join("supervisor.pid"));
    launch_detached(&binary().unwrap(), &socket, &pid_file).await.unwrap();
    let pid = pid_in(&pid_file);
    launch_detached(&binary().unwrap(), &socket, &pid_file).await.unwrap();
    assert_eq!(pid_in(&pid_file), pid, "the second one left the first alone");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&socket).unwrap());
    assert_eq!(mode & 0o777, 0o600);

    let terminals = Terminals::new(&socket);
    let script = "trap '' HUP TERM; setsid sleep 4242 & echo $! >pid; sleep 4243";
    let spec = sam_agent_terminals::Spec {
        cwd: deep.to_str().unwrap().to_owned(),
        ..sam_tests_term::supervisor::spec(&["/bin/sh", "-c", script]).unwrap()
    };
    let stubborn = terminals.create(&spec).await.unwrap().pid.unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !deep.join("pid").is_file() || std::fs::read_to_string(deep.join("pid")).unwrap().is_empty() {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let escaped = pid_in(&deep.join("pid"));
    assert!(alive(stubborn) && alive(escaped));
    terminals.shutdown().await.unwrap();
    for process in [pid, stubborn, escaped] {
        gone(process).await;
    }
    assert!(!socket.exists() && !pid_file.exists());
}

#[tokio::test]
async fn closing_ends_a_shell_that_does_not_want_to() {
    let supervisor = Supervisor::start().await.unwrap();
    let id = shell(
        &supervisor.terminals,
        "trap '' HUP TERM INT; while :; do sleep 0.05; done",
    )
    .await
    .unwrap();
    let pid = supervisor.terminals.get(id).await.unwrap().pid.unwrap();
    supervisor.terminals.close(id).await.unwrap();
    gone(pid).await;
}

#[tokio::test]
async fn it_is_small() {
    let size = std::fs::metadata(binary().unwrap()).unwrap().len();
    assert!(size < 1 << 20, "{size} bytes");
    let supervisor = Supervisor::start().await.unwrap();
    let resident = resident_kib(supervisor.pid()).unwrap();
    assert!(resident < 2048, "{resident} KiB");
}

#[test]
fn it_says_what_it_is_and_what_it_wants() {
    let version = Command::new(binary().unwrap()).arg("--version").output().unwrap();
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("sam-supervisor 0."));
    let lost = Command::new(binary().unwrap())
        .args(["serve", "--sock"])
        .output()
        .unwrap();
    assert!(!lost.status.success());
    assert!(String::from_utf8_lossy(&lost.stderr).contains("usage:"));
}

#[tokio::test]
async fn many_files_for_itself_and_the_usual_limit_for_its_shells() {
    let supervisor = Supervisor::start().await.unwrap();
    let open_files = |pid: &str| {
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max open files"))
            .unwrap()
            .to_owned();
        line.split_whitespace().nth(3).unwrap().parse::<u64>().unwrap()
    };
    let id = shell(&supervisor.terminals, "cat").await.unwrap();
    let shell = supervisor.terminals.get(id).await.unwrap().pid.unwrap();
    assert_eq!(open_files(&shell.to_string()), open_files("self"));
    assert!(open_files(&supervisor.pid().to_string()) >= open_files("self").max(4096));
}
