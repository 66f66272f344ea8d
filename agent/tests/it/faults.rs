//! Losses, crashes and restored backups: the last wish is reached, and nothing is deleted without a tombstone.

use std::time::Duration;

use crate::agent::{Agent, Home, repository};
use crate::control::{Control, wish};
use sam_contract::agent::desired::DesiredState;
use sam_contract::agent::observed::ObservedState;
use sam_contract::agent::outbox::StepStatus;

#[tokio::test]
async fn killed_at_any_moment_of_a_start_over_a_lossy_line_it_converges() {
    let control = Control::start().await;
    let home = Home::new();
    let origin = repository(home.path());
    // Enough objects that the clone has a middle.
    for n in 0..300 {
        std::fs::write(origin.join(format!("file-{n}")), format!("{n}").repeat(4000)).unwrap();
    }
    crate::agent::git(&origin, &["add", "."]);
    crate::agent::git(&origin, &["commit", "--quiet", "--message", "Many"]);
    let mut agent = Agent::start(&control, &home, &[]).await;
    control.until("a report", |inner| inner.observed.clone()).await;
    control.lock().lossy = 20;
    let mut random = 0x1234_5678_9abc_def1_u64;
    for round in 1..=6_u128 {
        let wanted = wish(round, Some(&origin));
        let id = wanted.id;
        control.add(wanted);
        for _ in 0..3 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // Any moment is as good as another; this spreads them over a start.
            tokio::time::sleep(Duration::from_millis(random % 400)).await;
            agent.kill();
            agent.run(&[]);
        }
        let running = control.until_state(id, ObservedState::Running).await;
        assert_eq!(running.attempt, 1);
        assert_eq!(
            agent.inside(id, "git status --porcelain; ls | wc -l").await.trim(),
            "302"
        );
        control.until_ready(id, 1).await;
        control.wish(id, |wish| wish.state = DesiredState::Deleted);
        control.until_state(id, ObservedState::Deleted).await;
        assert!(std::fs::symlink_metadata(home.state().join(format!("workspaces/{id}"))).is_err());
        control.want(|desired| desired.workspaces.clear());
    }
    let left = std::fs::read_dir(home.state().join("slots")).unwrap().count();
    assert_eq!(left, 0, "no slot is left");
}

#[tokio::test]
async fn a_shell_outlives_the_agent_and_a_restored_backup_changes_nothing() {
    let control = Control::start().await;
    let home = Home::new();
    let mut agent = Agent::start(&control, &home, &[]).await;
    let mut wanted = wish(1, None);
    wanted.attempt = 5;
    let id = wanted.id;
    control.add(wanted);
    control.until_state(id, ObservedState::Running).await;
    let terminal = agent.terminal(id).await;
    let supervisor = agent.inside(id, "echo $PPID").await;
    agent.kill();
    agent.run(&[]);
    control
        .until("the new process", |inner| {
            inner
                .observed
                .clone()
                .filter(|o| o.epoch == 2 && !o.workspaces.is_empty())
        })
        .await;
    control.until_state(id, ObservedState::Running).await;
    let terminals: sam_contract::agent::api::Terminals = agent.get(&format!("/v1/workspaces/{id}/terminals")).await;
    assert!(
        terminals
            .items
            .iter()
            .any(|one| one.id == terminal && one.exit.is_none())
    );

    // A backup from before: smaller numbers. The same shell goes on under them.
    control.want(|desired| {
        desired.generation = 0;
        desired.workspaces[0].attempt = 2;
        desired.workspaces[0].generation = 1;
    });
    control.until_state(id, ObservedState::Running).await;
    assert_eq!(agent.inside(id, "echo $PPID").await, supervisor);

    // A backup from before the workspace was made: it is nobody's, reported and kept.
    agent.inside(id, "echo precious > kept").await;
    control.want(|desired| desired.workspaces.clear());
    control.until_state(id, ObservedState::Orphan).await;
    assert_eq!(
        agent.inside(id, "cat kept; echo $PPID").await,
        format!("precious\n{supervisor}")
    );
    agent.kill();
    agent.run(&[]);
    control
        .until("the third process", |inner| {
            inner.observed.clone().filter(|o| o.epoch == 3 && o.generation > 0)
        })
        .await;
    control.until_state(id, ObservedState::Orphan).await;
    assert_eq!(agent.inside(id, "cat kept").await, "precious\n");
}

#[tokio::test]
async fn the_outbox_waits_out_a_refusal_and_a_crash() {
    let control = Control::start().await;
    control.lock().refuse_events = true;
    let home = Home::new();
    let mut agent = Agent::start(&control, &home, &[]).await;
    let id = wish(1, None).id;
    control.add(wish(1, None));
    control.until_state(id, ObservedState::Running).await;
    control
        .until("refusals", |inner| (inner.refused > 0).then_some(()))
        .await;
    assert!(control.lock().entries.is_empty());
    agent.kill();
    control.lock().refuse_events = false;
    agent.run(&[]);
    control.until_ready(id, 1).await;
    let told: Vec<_> = control
        .steps(id, 1)
        .into_iter()
        .map(|step| (step.n, step.status == StepStatus::Running))
        .collect();
    let expected: Vec<_> = (0..8).flat_map(|n| [(n, true), (n, false)]).collect();
    // Passing states between a beginning and an end may be there; the order is as it happened, and nothing is missing.
    let mut told = told;
    told.dedup();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_newer_attempt_gives_an_older_one_up_and_others_do_not_wait() {
    let control = Control::start().await;
    let home = Home::new();
    let origin = repository(home.path());
    let agent = Agent::start(&control, &home, &[]).await;
    // A remote that never answers: the clone hangs.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stuck = wish(1, Some(&origin));
    stuck.repository.as_mut().unwrap().url = format!("http://{}/x.git", silent.local_addr().unwrap());
    let (stuck, other) = (stuck, wish(2, Some(&origin)));
    let (id, other_id) = (stuck.id, other.id);
    control.add(stuck);
    control
        .until("the clone under way", |inner| {
            let workspaces = &inner.observed.as_ref()?.workspaces;
            workspaces
                .iter()
                .find(|w| w.id == id && w.step.as_deref() == Some("clone"))
                .map(drop)
        })
        .await;
    control.add(other);
    control.until_state(other_id, ObservedState::Running).await;
    control.wish(id, |wish| {
        wish.attempt = 2;
        wish.repository.as_mut().unwrap().url = origin.to_str().unwrap().to_owned();
    });
    let running = control.until_state(id, ObservedState::Running).await;
    assert_eq!(running.attempt, 2);
    assert_eq!(agent.inside(id, "cat README.md").await, "hello\n");
}

#[tokio::test]
async fn a_supervisor_that_dies_is_started_again() {
    let control = Control::start().await;
    let home = Home::new();
    let agent = Agent::start(&control, &home, &[]).await;
    let id = wish(1, None).id;
    control.add(wish(1, None));
    control.until_state(id, ObservedState::Running).await;
    let before = agent.inside(id, "echo $PPID").await;
    let pid = rustix::process::Pid::from_raw(before.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    control.until_ready(id, 2).await;
    control.until_state(id, ObservedState::Running).await;
    assert_ne!(agent.inside(id, "echo $PPID").await, before);
}
