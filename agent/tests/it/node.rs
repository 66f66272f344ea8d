//! The agent itself: what it costs when it does nothing.

use std::time::Duration;

use crate::agent::{Agent, Home};
use crate::control::Control;

#[tokio::test]
async fn an_idle_agent_is_small_and_still() {
    let control = Control::start().await;
    let home = Home::new();
    let agent = Agent::start(&control, &home, &[]).await;
    control
        .until("a report", |inner| (inner.reports >= 1).then_some(()))
        .await;
    let before = cpu_ticks(agent.pid());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let ticks = cpu_ticks(agent.pid()) - before;
    let rss = sam_tests_term::supervisor::resident_kib(agent.pid()).unwrap();
    eprintln!("idle agent: {rss} KiB resident, {ticks} ticks (10 ms each) in 10 s");
    // The promise is 12 MiB and 0.1 % for the released build; this is the everyday one.
    assert!(rss < 24 * 1024, "{rss} KiB");
    assert!(ticks <= 20, "{ticks} ticks");
}

fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
