//! Joining, clocks, epochs, the lock, and the end of a node.

use crate::agent::{Agent, Home, command, enrol};
use crate::control::{Control, wish};
use sam_contract::agent::observed::ObservedState;

#[tokio::test]
async fn a_machine_joins_once_with_a_clock_that_is_ten_minutes_off() {
    let control = Control::start().await;
    control.lock().skew_ms = 10 * 60 * 1000;
    let home = Home::new();
    let mut agent = Agent::start(&control, &home, &[]).await;
    let report = control.until("a report", |inner| inner.observed.clone()).await;
    assert_eq!((report.epoch, report.machine.os.as_str()), (1, "linux"));
    assert!(report.load.memory_total > 0 && report.load.git.is_some());
    // Its times are by the server's clock.
    control.add(wish(1, None));
    let id = wish(1, None).id;
    control.until_state(id, ObservedState::Running).await;
    let entry = control.until("an entry", |inner| inner.entries.first().cloned()).await;
    let local = i64::try_from(
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_millis(),
    )
    .unwrap();
    assert!((entry.at - local - 600_000).abs() < 60_000, "{} {local}", entry.at);
    assert!(agent.stop().await.success());

    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &str| std::fs::metadata(home.state().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(""), mode("identity.json"), mode("outbox.sqlite") & 0o007),
        (0o700, 0o600, 0o004 & mode("outbox.sqlite"))
    );
    // Repeating it changes nothing, and gives the same node.
    let before = std::fs::read(home.state().join("identity.json")).unwrap();
    let (again, state) = (control.clone(), home.state());
    let output = tokio::task::spawn_blocking(move || enrol(&again, &state))
        .await
        .unwrap();
    assert!(output.status.success());
    assert_eq!(std::fs::read(home.state().join("identity.json")).unwrap(), before);
    // Another machine cannot use the token any more.
    let other = Home::new();
    let (again, state) = (control.clone(), other.state());
    let output = tokio::task::spawn_blocking(move || enrol(&again, &state))
        .await
        .unwrap();
    assert!(!output.status.success());
    assert!(!String::from_utf8_lossy(&output.stderr).contains(crate::control::TOKEN));
}

#[tokio::test]
async fn one_state_directory_has_one_agent() {
    let control = Control::start().await;
    let home = Home::new();
    let agent = Agent::start(&control, &home, &[]).await;
    control.until("a report", |inner| inner.observed.clone()).await;
    let state = agent.state.clone();
    let second =
        tokio::task::spawn_blocking(move || command().arg("--state-dir").arg(state).arg("run").output().unwrap());
    let second = second.await.unwrap();
    assert_eq!(second.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(complaint.contains("another agent already runs"), "{complaint}");
}

#[tokio::test]
async fn of_two_agents_with_one_identity_the_older_stands_down() {
    let control = Control::start().await;
    let (home, copy) = (Home::new(), Home::new());
    let mut older = Agent::start(&control, &home, &[]).await;
    control
        .until("the first's report", |inner| inner.observed.clone())
        .await;
    std::fs::create_dir(copy.state()).unwrap();
    std::fs::copy(home.state().join("identity.json"), copy.state().join("identity.json")).unwrap();
    let _newer = Agent::start(&control, &copy, &[]).await;
    control
        .until("the second's report", |inner| {
            inner.observed.clone().filter(|o| o.epoch == 2)
        })
        .await;
    assert_eq!(older.ended().await.code(), Some(3));
}

#[tokio::test]
async fn a_deleted_node_stops_and_keeps_everything() {
    let control = Control::start().await;
    let home = Home::new();
    let mut agent = Agent::start(&control, &home, &[]).await;
    let id = wish(1, None).id;
    control.add(wish(1, None));
    control.until_state(id, ObservedState::Running).await;
    agent.inside(id, "echo precious > kept").await;
    let shell = agent.inside(id, "echo $PPID").await;
    control.lock().gone = true;
    assert_eq!(agent.ended().await.code(), Some(4));
    let repo = std::fs::canonicalize(home.state().join(format!("workspaces/{id}/repo"))).unwrap();
    assert_eq!(std::fs::read_to_string(repo.join("kept")).unwrap(), "precious\n");
    assert!(
        std::path::Path::new(&format!("/proc/{}", shell.trim())).exists(),
        "its processes go on"
    );
}
