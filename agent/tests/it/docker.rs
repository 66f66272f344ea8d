//! Workspaces in containers, with a real engine.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::agent::{Agent, Home, repository};
use crate::control::{Control, warm, wish};
use crate::image::{IMAGE, docker, run};
use sam_contract::agent::desired::{DesiredState, DesiredWorkspace, Isolation, Limits};
use sam_contract::agent::observed::{ObservedState, Port};
use sam_contract::ids::{Id, NodeId, WorkspaceId};

const ARGUMENTS: &[&str] = &["--base-image", IMAGE];

fn container_wish(n: u128, repository: Option<&std::path::Path>) -> DesiredWorkspace {
    // Tests share one engine and one node id: their workspaces must not.
    let mut wanted = wish(n, repository);
    wanted.id = WorkspaceId::from_parts(1_700_000_000_000, u128::from(std::process::id()) << 32 | n);
    wanted.isolation = Some(Isolation::Docker);
    wanted.limits = Limits {
        cpu_milli: 500,
        memory_bytes: 128 * 1024 * 1024,
        pids: 64,
    };
    wanted
}

fn ps(filter: &str) -> Vec<String> {
    let ids = run(Command::new("docker").args(["ps", "--all", "--quiet", "--no-trunc", "--filter", filter]));
    ids.lines().map(str::to_owned).collect()
}

fn inspect(id: &str, format: &str) -> String {
    run(Command::new("docker").args(["inspect", "--format", format, id]))
}

/// What the tests of a node leave is its network.
struct Cleaned(NodeId);

impl Drop for Cleaned {
    fn drop(&mut self) {
        for id in ps(&format!("label=sam.node={}", self.0)) {
            let _ = Command::new("docker").args(["rm", "--force", &id]).output();
        }
        let _ = Command::new("docker")
            .args(["network", "rm", &format!("sam-{}", self.0)])
            .output();
    }
}

/// One test for all that needs an engine: they share the node's containers and network.
#[tokio::test]
async fn containers() {
    if !docker() {
        return;
    }
    let _cleaned = Cleaned(Control::node());
    let control = Control::start().await;
    let home = Home::new();
    let origin = repository(home.path());
    let mut agent = Agent::start(&control, &home, ARGUMENTS).await;
    isolated(&control, &agent, &origin).await;
    reattached(&control, &mut agent).await;
    revived(&control, &agent).await;
    deleted(&control, &home).await;
    warm_start(&control, &agent, &origin).await;
    given_up(&control, &mut agent).await;
}

async fn isolated(control: &Control, agent: &Agent, origin: &std::path::Path) {
    let wanted = container_wish(1, Some(origin));
    let id = wanted.id;
    control.add(wanted);
    let running = control.until_state(id, ObservedState::Running).await;
    assert_eq!(
        (running.isolation, running.image.as_deref()),
        (Some(Isolation::Docker), Some(IMAGE))
    );
    let container = &ps(&format!("label=sam.workspace={id}"))[0];
    assert_eq!(
        inspect(container, "{{.HostConfig.Privileged}} {{.HostConfig.SecurityOpt}}"),
        "false [no-new-privileges]"
    );
    assert_eq!(inspect(container, "{{.HostConfig.CapDrop}}"), "[ALL]");
    assert_eq!(
        inspect(
            container,
            "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}"
        ),
        "134217728 500000000 64"
    );
    assert_eq!(
        inspect(container, "{{.HostConfig.RestartPolicy.Name}} {{.Config.Hostname}}"),
        "no test-1"
    );
    assert_eq!(
        agent.inside(id, "pwd; cat README.md; cat /proc/1/comm").await,
        "/workspace\nhello\nsupervisor\n"
    );
    // Files are writable from both sides.
    agent.inside(id, "echo inside > made").await;
    let (status, body) = agent
        .call("GET", &format!("/v1/workspaces/{id}/file?path=made"), "")
        .await;
    assert_eq!((status, &body[..]), (200, &b"inside\n"[..]));
    let (status, _) = agent
        .call("PUT", &format!("/v1/workspaces/{id}/file?path=made"), "outside")
        .await;
    assert_eq!(
        (status, agent.inside(id, "echo more >> made; cat made").await.as_str()),
        (204, "outsidemore\n")
    );
    // The metadata address is refused by a rule of our network.
    let rules = run(Command::new("iptables").args(["-w", "-S", "DOCKER-USER"]));
    let network = format!("sam-{}", Control::node());
    let subnet = run(Command::new("docker").args([
        "network",
        "inspect",
        "--format",
        "{{(index .IPAM.Config 0).Subnet}}",
        &network,
    ]));
    assert!(rules.contains(&format!("-s {subnet} -d 169.254.0.0/16")), "{rules}");
    // A server that listens on the container's own localhost only is reached.
    agent.inside(id, "setsid httpd -p 127.0.0.1:5173 >/dev/null 2>&1").await;
    let ports: Vec<Port> = agent.get(&format!("/v1/workspaces/{id}/ports")).await;
    let expected = Port {
        port: 5173,
        label: "Vite".to_owned(),
        http: true,
    };
    assert_eq!(ports, [expected]);
    let (status, body) = agent
        .call("GET", &format!("/v1/workspaces/{id}/ports/5173/README.md"), "")
        .await;
    assert_eq!((status, &body[..]), (200, &b"hello\n"[..]));
    let (status, _) = agent.call("GET", &format!("/v1/workspaces/{id}/ports/5174/"), "").await;
    assert_eq!(status, 502);
}

async fn reattached(control: &Control, agent: &mut Agent) {
    let id = container_wish(1, None).id;
    let terminal = agent.terminal(id).await;
    let container = ps(&format!("label=sam.workspace={id}"));
    agent.kill();
    agent.run(ARGUMENTS);
    control
        .until("the new process", |inner| {
            inner
                .observed
                .clone()
                .filter(|o| o.epoch == 2 && !o.workspaces.is_empty())
        })
        .await;
    control.until_state(id, ObservedState::Running).await;
    assert_eq!(ps(&format!("label=sam.workspace={id}")), container);
    let terminals: sam_contract::agent::api::Terminals = agent.get(&format!("/v1/workspaces/{id}/terminals")).await;
    assert!(
        terminals
            .items
            .iter()
            .any(|one| one.id == terminal && one.exit.is_none())
    );
}

async fn revived(control: &Control, agent: &Agent) {
    let id = container_wish(1, None).id;
    let container = ps(&format!("label=sam.workspace={id}"));
    run(Command::new("docker").args(["kill", &container[0]]));
    control.until_ready(id, 2).await;
    control.until_state(id, ObservedState::Running).await;
    assert_eq!(
        ps(&format!("label=sam.workspace={id}")),
        container,
        "the same container, started again"
    );
    // Stopped and started: the container keeps what was installed in it. Rebuilt: a new one, with the same files.
    agent.inside(id, "echo installed > /root/tool").await;
    control.wish(id, |wish| wish.state = DesiredState::Stopped);
    control.until_state(id, ObservedState::Stopped).await;
    assert_eq!(inspect(&container[0], "{{.State.Running}}"), "false");
    // The image's name means another image by now: that is no reason to throw the container away.
    run(Command::new("docker")
        .args(["build", "--quiet", "--tag", IMAGE, "-"])
        .stdin(newer_image()));
    control.wish(id, |wish| (wish.state, wish.attempt) = (DesiredState::Running, 2));
    control.until_state(id, ObservedState::Running).await;
    assert_eq!(agent.inside(id, "cat /root/tool").await, "installed\n");
    control.wish(id, |wish| (wish.rebuild, wish.attempt) = (true, 3));
    control.until_state(id, ObservedState::Running).await;
    assert!(agent.inside(id, "cat /root/tool made").await.contains("more"));
    assert_ne!(ps(&format!("label=sam.workspace={id}")), container);
}

/// A deleted node leaves no container that was made in advance, and no network.
async fn given_up(control: &Control, agent: &mut Agent) {
    control.want(|desired| desired.warm = warm(1));
    control
        .until("a container in advance", |inner| {
            inner.observed.as_ref().filter(|o| o.warm == 1).map(drop)
        })
        .await;
    control.lock().gone = true;
    assert_eq!(agent.ended().await.code(), Some(4));
    assert_eq!(ps(&format!("label=sam.node={}", Control::node())), Vec::<String>::new());
    let network = format!("name=sam-{}", Control::node());
    let networks = run(Command::new("docker").args(["network", "ls", "--quiet", "--filter", &network]));
    assert_eq!(networks, "");
}

fn newer_image() -> std::process::Stdio {
    use std::io::{Seek, Write};
    let mut file = tempfile::tempfile().unwrap();
    write!(file, "FROM {IMAGE}\nLABEL newer={}\n", std::process::id()).unwrap();
    file.rewind().unwrap();
    file.into()
}

async fn deleted(control: &Control, home: &Home) {
    let id = container_wish(1, None).id;
    run(Command::new("docker").args([
        "volume",
        "create",
        "--label",
        &format!("sam.workspace={id}"),
        "--label",
        &format!("sam.node={}", Control::node()),
    ]));
    control.wish(id, |wish| wish.state = DesiredState::Deleted);
    control.until_state(id, ObservedState::Deleted).await;
    assert_eq!(ps(&format!("label=sam.workspace={id}")), Vec::<String>::new());
    let volumes = run(Command::new("docker").args([
        "volume",
        "ls",
        "--quiet",
        "--filter",
        &format!("label=sam.workspace={id}"),
    ]));
    assert_eq!(volumes, "");
    assert_eq!(std::fs::read_dir(home.state().join("slots")).unwrap().count(), 0);
}

async fn warm_start(control: &Control, agent: &Agent, origin: &std::path::Path) {
    control.want(|desired| desired.warm = warm(1));
    let mut took = Vec::new();
    for n in 2..7 {
        control
            .until("a container in advance", |inner| {
                inner.observed.as_ref().filter(|o| o.warm == 1).map(drop)
            })
            .await;
        let wanted = container_wish(n, Some(origin));
        let id = wanted.id;
        let began = Instant::now();
        control.add(wanted);
        control.until_state(id, ObservedState::Running).await;
        let ready = began.elapsed();
        agent.terminal(id).await;
        assert_eq!(agent.inside(id, "cat README.md").await, "hello\n");
        took.push((ready, began.elapsed()));
        let slot = std::fs::canonicalize(agent.state.join(format!("workspaces/{id}"))).unwrap();
        let slot = slot.file_name().unwrap().to_string_lossy().into_owned();
        let container = &ps(&format!("label=sam.slot={slot}"))[0];
        assert_eq!(inspect(container, "{{.HostConfig.Memory}}"), "134217728");
        control.wish(id, |wish| wish.state = DesiredState::Deleted);
        control.until_state(id, ObservedState::Deleted).await;
        assert_eq!(ps(&format!("label=sam.slot={slot}")), Vec::<String>::new());
    }
    let steps = control.steps(container_wish(6, None).id, 1).into_iter();
    let steps: Vec<_> = steps
        .filter_map(|step| Some((step.name, step.ended_at? - step.started_at)))
        .collect();
    eprintln!("the steps of the last one in ms: {steps:?}");
    took.sort();
    eprintln!("warm start: wish to running and to a command run in it: {took:?}");
    assert!(took[took.len() / 2].0 < Duration::from_secs(5));
    control.want(|desired| desired.warm = warm(0));
    control
        .until("none in advance", |inner| {
            inner.observed.as_ref().filter(|o| o.warm == 0).map(drop)
        })
        .await;
}
