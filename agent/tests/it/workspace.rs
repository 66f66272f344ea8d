//! The life of a workspace of plain processes, and what can be done in it.

use crate::agent::{Agent, Home, git, repository};
use crate::control::{Control, wish};
use axum::body::Body;
use sam_contract::agent::api::{Files, GitRemote, GitStatus, Terminals};
use sam_contract::agent::desired::DesiredState;
use sam_contract::agent::observed::{ObservedState, Port};
use sam_contract::agent::outbox::StepStatus;

#[tokio::test]
async fn from_clone_to_deletion() {
    let control = Control::start().await;
    let home = Home::new();
    let origin = repository(home.path());
    let agent = Agent::start(&control, &home, &[]).await;
    let wanted = wish(1, Some(&origin));
    let id = wanted.id;
    control.add(wanted);
    let running = control.until_state(id, ObservedState::Running).await;
    assert_eq!(running.attempt, 1);
    control
        .until("the branch", |inner| {
            let observed = inner.observed.as_ref()?;
            observed
                .workspaces
                .iter()
                .find(|w| w.branch.as_deref() == Some("main"))
                .cloned()
        })
        .await;
    let ends: Vec<_> = control
        .steps(id, 1)
        .into_iter()
        .filter(|step| step.status != StepStatus::Running)
        .map(|step| (step.n, step.name, step.status))
        .collect();
    let names: Vec<_> = ends.iter().map(|(_, name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "volume",
            "clone",
            "image",
            "container",
            "credentials",
            "env",
            "hooks",
            "ready"
        ]
    );
    assert!(ends.iter().all(|(_, name, status)| match name.as_str() {
        "image" | "credentials" | "hooks" => *status == StepStatus::Skipped,
        _ => *status == StepStatus::Done,
    }));
    let (status, log) = agent
        .call("GET", &format!("/v1/workspaces/{id}/boot?step=clone"), Body::empty())
        .await;
    assert_eq!(status, 200);
    assert!(String::from_utf8_lossy(&log).contains("git clone"), "{log:?}");

    // Its environment is its own.
    let env = agent.inside(id, "env").await;
    assert!(
        env.contains(&format!("SAM_WORKSPACE={id}")) && !env.contains("CARGO"),
        "{env}"
    );
    assert!(agent.inside(id, "pwd").await.trim().ends_with("/repo"));

    // Stop keeps the files; start brings them back; the clone is not repeated.
    agent.inside(id, "echo mine > kept").await;
    control.wish(id, |wish| wish.state = DesiredState::Stopped);
    control.until_state(id, ObservedState::Stopped).await;
    let (status, _) = agent
        .call("GET", &format!("/v1/workspaces/{id}/terminals"), Body::empty())
        .await;
    assert_eq!(status, 503);
    control.wish(id, |wish| {
        wish.state = DesiredState::Running;
        wish.attempt = 2;
    });
    control.until_state(id, ObservedState::Running).await;
    assert_eq!(agent.inside(id, "cat kept").await, "mine\n");

    let slot = std::fs::canonicalize(home.state().join(format!("workspaces/{id}"))).unwrap();
    let pid = agent.inside(id, "echo $PPID").await;
    control.wish(id, |wish| wish.state = DesiredState::Deleted);
    control.until_state(id, ObservedState::Deleted).await;
    assert!(!slot.exists() && std::fs::symlink_metadata(home.state().join(format!("workspaces/{id}"))).is_err());
    // Its entry may wait for a parent that does not look; a process it is no more.
    let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
    assert!(origin.join("README.md").exists());
}

#[tokio::test]
async fn a_failed_step_has_a_name_and_a_reason_and_a_new_attempt_tries_again() {
    let control = Control::start().await;
    let home = Home::new();
    let agent = Agent::start(&control, &home, &[]).await;
    let missing = home.path().join("origin");
    let wanted = wish(1, Some(&missing));
    let id = wanted.id;
    control.add(wanted);
    let failed = control.until_state(id, ObservedState::Failed).await.failure.unwrap();
    assert_eq!(failed.step, "clone");
    assert!(
        failed.message.contains("does not exist") || failed.message.contains("not appear to be"),
        "{}",
        failed.message
    );
    let last = control.until("the failed step", |inner| {
        inner.entries.iter().find_map(|entry| match &entry.what {
            sam_contract::agent::outbox::What::Step(step) if step.status == StepStatus::Failed => Some(step.clone()),
            _ => None,
        })
    });
    assert!(last.await.tail.contains("fatal:"));
    repository(home.path());
    control.wish(id, |wish| wish.attempt = 2);
    control.until_state(id, ObservedState::Running).await;
    assert_eq!(agent.inside(id, "cat README.md").await, "hello\n");
}

#[tokio::test]
async fn files_git_terminals_and_ports() {
    let control = Control::start().await;
    let home = Home::new();
    let origin = repository(home.path());
    let agent = Agent::start(&control, &home, &[]).await;
    let wanted = wish(1, Some(&origin));
    let id = wanted.id;
    control.add(wanted);
    control.until_state(id, ObservedState::Running).await;
    let at = |rest: &str| format!("/v1/workspaces/{id}/{rest}");

    // Files.
    let files: Files = agent.get(&at("files?path=")).await;
    let names: Vec<_> = files.items.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, [".git", "src", "README.md"]);
    let read = http::Request::get(at("file?path=README.md"))
        .header("host", "agent")
        .body(Body::empty())
        .unwrap();
    let (parts, body) = agent.request(read).await;
    assert_eq!(&body[..], b"hello\n");
    assert!(
        parts.headers["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );
    let etag = parts.headers["etag"].clone();
    let put = |etag: &http::HeaderValue, content: &'static str| {
        let request = http::Request::put(at("file?path=README.md"))
            .header("host", "agent")
            .header("if-match", etag);
        request.body(Body::from(content)).unwrap()
    };
    assert_eq!(agent.request(put(&etag, "changed\n")).await.0.status, 204);
    assert_eq!(agent.request(put(&etag, "again\n")).await.0.status, 409);
    let large = vec![7_u8; 5 * 1024 * 1024];
    assert_eq!(
        agent
            .call("PUT", &at("file?path=src/large%20%C3%BC.bin"), large.clone())
            .await
            .0,
        204
    );
    assert_eq!(
        agent
            .call("GET", &at("file?path=src/large%20%C3%BC.bin"), Body::empty())
            .await
            .1,
        large
    );
    for path in ["../../identity.json", "/etc/passwd", "src/../../x", ""] {
        assert_eq!(
            agent
                .call("GET", &at(&format!("file?path={path}")), Body::empty())
                .await
                .0,
            400,
            "{path}"
        );
    }
    agent.inside(id, "ln -s /etc out; mkfifo pipe").await;
    for path in ["out/passwd", "pipe", "src", "none"] {
        let (status, _) = agent
            .call("GET", &at(&format!("file?path={path}")), Body::empty())
            .await;
        assert!(status >= 400, "{path}: {status}");
    }
    assert_eq!(
        agent
            .call("DELETE", &at("file?path=src/large%20%C3%BC.bin"), Body::empty())
            .await
            .0,
        204
    );
    assert_eq!(
        agent.call("POST", &at("files/mkdir?path=new"), Body::empty()).await.0,
        204
    );
    assert_eq!(
        agent
            .call("POST", &at("files/rename?from=new&to=src"), Body::empty())
            .await
            .0,
        409
    );
    assert_eq!(
        agent
            .call("POST", &at("files/rename?from=new&to=src/new"), Body::empty())
            .await
            .0,
        204
    );

    // Git.
    let status: GitStatus = agent.get(&at("git/status")).await;
    assert!(
        status.is_repository && status.branch.as_deref() == Some("main"),
        "{status:?}"
    );
    assert_eq!(status.subject.as_deref(), Some("First"));
    assert!(
        status
            .files
            .iter()
            .any(|file| file.path == "README.md" && file.unstaged == "M")
    );
    let (_, diff) = agent.call("GET", &at("git/diff?path=README.md"), Body::empty()).await;
    assert!(String::from_utf8_lossy(&diff).contains("+changed"));
    agent.inside(id, "echo fresh > untracked.txt").await;
    let (_, diff) = agent
        .call("GET", &at("git/diff?path=untracked.txt"), Body::empty())
        .await;
    assert!(String::from_utf8_lossy(&diff).contains("+fresh"));
    git(&origin, &["branch", "other"]);
    let remote: GitRemote = agent.get(&format!("/v1/git/remote?url={}", origin.display())).await;
    assert_eq!(
        (remote.default_branch.as_deref(), remote.branches),
        (Some("main"), vec!["main".to_owned(), "other".to_owned()])
    );
    let (status, _) = agent
        .call("GET", "/v1/git/remote?url=ext::sh%20-c%20true", Body::empty())
        .await;
    assert_eq!(status, 400);

    // Terminals.
    let terminal = agent.terminal(id).await;
    let terminals: Terminals = agent.get(&at("terminals")).await;
    assert_eq!(terminals.items.len(), 1);
    let renamed = agent
        .call("PATCH", &at(&format!("terminals/{terminal}")), r#"{"name":"build"}"#)
        .await;
    assert!(renamed.0 == 200 && String::from_utf8_lossy(&renamed.1).contains("build"));
    control
        .until("a terminal in the report", |inner| {
            let workspace = inner.observed.as_ref()?.workspaces.iter().find(|w| w.id == id)?;
            (workspace.terminals == 1 && workspace.active_at.is_some()).then_some(())
        })
        .await;
    assert_eq!(
        agent
            .call("DELETE", &at(&format!("terminals/{terminal}")), Body::empty())
            .await
            .0,
        204
    );

    // Ports: only the workspace's own.
    let own = serve_inside(&agent, id).await;
    let ports: Vec<Port> = agent.get(&at("ports")).await;
    assert!(ports.iter().any(|port| port.port == own), "{ports:?}");
    let (status, body) = agent
        .call("GET", &at(&format!("ports/{own}/README.md?x=1")), Body::empty())
        .await;
    assert_eq!((status, &body[..]), (200, &b"changed\n"[..]));
    let foreign = control.addr.port();
    let (status, body) = agent
        .call("GET", &at(&format!("ports/{foreign}/")), Body::empty())
        .await;
    assert_eq!(status, 502);
    assert!(String::from_utf8_lossy(&body).contains("PORT_CLOSED"));
}

/// Starts a web server in the workspace; answers its port once it listens.
async fn serve_inside(agent: &Agent, id: sam_contract::ids::WorkspaceId) -> u16 {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    // Detached: what is run over pipes ends with them.
    let serve = format!("setsid busybox httpd -f -p 127.0.0.1:{port} > /dev/null 2>&1 &");
    agent.inside(id, &serve).await;
    let deadline = std::time::Instant::now() + crate::control::PATIENCE;
    loop {
        let ports: Vec<Port> = agent.get(&format!("/v1/workspaces/{id}/ports")).await;
        if ports.iter().any(|open| open.port == port) {
            return port;
        }
        assert!(std::time::Instant::now() < deadline, "{port} is not among {ports:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn git_gets_its_credential_when_it_asks_and_nothing_is_kept() {
    let control = Control::start().await;
    control.lock().credential = Some(("x-access-token".to_owned(), "s3cret-canary".to_owned()));
    let home = Home::new();
    let agent = Agent::start(&control, &home, &[]).await;
    let id = wish(1, None).id;
    control.add(wish(1, None));
    control.until_state(id, ObservedState::Running).await;
    let ask = "printf 'protocol=https\\nhost=git.example.org\\n\\n' | git credential fill";
    let answer = agent.inside(id, ask).await;
    assert!(
        answer.contains("username=x-access-token") && answer.contains("password=s3cret-canary"),
        "{answer}"
    );
    assert_eq!(control.lock().asked[0].host, "git.example.org");
    assert_eq!(control.lock().asked[0].workspace, id);
    let store = "printf 'protocol=https\\nhost=h\\nusername=u\\npassword=p\\n\\n' | git credential approve";
    agent.inside(id, store).await;
    let found = std::process::Command::new("grep")
        .args(["-rl", "s3cret-canary"])
        .arg(home.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}
