//! Tunnels: who gets one, who loses it, and what the application hears.

use crate::client::{SOON, eventually};
use crate::world::{dial, get, world, world_with};
use http::StatusCode;
use sam_edge::EdgeConfig;
use sam_tunnel::{CloseReason, ConnectError, Ended, Liveness, Traffic, close, serve};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

fn closed_with(ended: &Ended) -> Option<u16> {
    match ended {
        Ended::ClosedByPeer(CloseReason { code, .. }) => Some(*code),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_decides_who_may_open_a_tunnel() {
    let world = world().await;
    match world.dial("Basic x").await.unwrap_err() {
        ConnectError::Refused { status, body } => {
            assert_eq!((status, &body[..]), (StatusCode::UNAUTHORIZED, &b"who are you?"[..]));
        }
        other => panic!("{other}"),
    }
    match world.dial("Bearer nonsense").await.unwrap_err() {
        ConnectError::Refused { status, .. } => assert_eq!(status, StatusCode::BAD_GATEWAY, "no epoch, no tunnel"),
        other => panic!("{other}"),
    }
    let agent = world.agent("n1", 1).await;
    let seen = world.app.seen.lock().unwrap().0.clone();
    for gone in [
        "upgrade",
        "connection",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
    ] {
        assert!(!seen.contains_key(gone), "the question has no {gone}: {seen:?}");
    }
    assert_eq!(world.server.send(get("/api/n1/x")).await.status, StatusCode::OK);
    // Without an upgrade the route is the application's own.
    assert_eq!(world.server.send(get("/tunnel")).await.status, StatusCode::UNAUTHORIZED);
    agent.shutdown.cancel();
    assert!(matches!(agent.ended().await, Ended::ClosedHere(reason) if reason.code == close::GOING_AWAY));
    eventually("the end to be heard", || {
        world.door.heard().last() == Some(&("n1".to_owned(), 1, false))
    })
    .await;
    let after = world.server.send(get("/api/n1/x")).await;
    assert_eq!(after.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_tunnel_replaces_an_older_one_and_not_the_other_way_round() {
    let world = world().await;
    let first = world.agent("n1", 1).await;
    let other = world.agent("n2", 1).await;
    let second = world.agent("n1", 2).await;
    assert_eq!(closed_with(&first.ended().await), Some(close::REPLACED));
    match world.dial("Bearer n1 1").await.unwrap_err() {
        ConnectError::Refused { status, .. } => assert_eq!(status, StatusCode::CONFLICT),
        refused => panic!("{refused}"),
    }
    // The same process whose older connection nobody has missed yet.
    let again = world.dial("Bearer n1 2").await.unwrap();
    let machine = second.machine.clone();
    tokio::spawn(serve(
        again,
        machine,
        Liveness::agent(),
        Traffic::default(),
        CancellationToken::new(),
    ));
    assert_eq!(closed_with(&second.ended().await), Some(close::REPLACED));
    eventually("three openings to be heard", || world.door.heard().len() >= 4).await;
    assert!(
        world.door.heard().iter().all(|(_, _, is_open)| *is_open),
        "a replaced tunnel is no news"
    );
    assert!(!other.ended.is_finished(), "another name is not touched");
    assert_eq!(world.server.send(get("/api/n1/x")).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_sends_agents_away_with_a_word() {
    let world = world().await;
    let agent = world.agent("n1", 1).await;
    world.server.shutdown.cancel();
    assert_eq!(closed_with(&agent.ended().await), Some(close::GOING_AWAY));
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_a_tunnel_on_both_sides() {
    let brief = Liveness {
        ping_every: Some(Duration::from_millis(50)),
        silence_max: Duration::from_millis(300),
    };
    let world = world_with(|config: &mut EdgeConfig| config.tunnels.as_mut().unwrap().liveness = brief).await;
    // A machine that answers pings lives on past the limit, without any other traffic.
    let agent = world.agent("n1", 1).await;
    // One that opened the tunnel and then says nothing: nobody drives its socket.
    let mute = world.dial("Bearer n2 1").await.unwrap();
    eventually("the silent one to be given up", || {
        world.door.heard().contains(&("n2".to_owned(), 1, false))
    })
    .await;
    assert!(!agent.ended.is_finished());
    assert!(!world.door.heard().contains(&("n1".to_owned(), 1, false)));
    drop(mute);

    // The other way round: an edge that pings nobody, and an agent that expects to hear something.
    let quiet = Liveness {
        ping_every: None,
        silence_max: Duration::from_secs(60),
    };
    let world = world_with(|config: &mut EdgeConfig| config.tunnels.as_mut().unwrap().liveness = quiet).await;
    let socket = world.dial("Bearer n1 1").await.unwrap();
    let brief = Liveness {
        ping_every: None,
        ..brief
    };
    let machine = crate::world::Machine::default();
    let ended = serve(socket, machine, brief, Traffic::default(), CancellationToken::new());
    let ended = tokio::time::timeout(SOON, ended).await.unwrap();
    assert!(matches!(ended, Ended::Silent), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_until_it_is_heard() {
    let world = world().await;
    world.door.deaf.store(2, Ordering::SeqCst);
    let agent = world.agent("n1", 1).await;
    assert_eq!(world.door.heard(), [("n1".to_owned(), 1, true)]);
    world.door.deaf.store(1, Ordering::SeqCst);
    drop(agent.shutdown.drop_guard());
    eventually("the end to be heard", || {
        world.door.heard().contains(&("n1".to_owned(), 1, false))
    })
    .await;
}

/// Resident memory of this process in KiB.
fn resident_kib() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_tunnels_are_cheap() {
    const COUNT: usize = 1000;
    let world = world().await;
    let (address, before, started) = (world.server.address, resident_kib(), Instant::now());
    let shutdown = CancellationToken::new();
    let mut agents = tokio::task::JoinSet::new();
    for n in 0..COUNT {
        let shutdown = shutdown.clone();
        agents.spawn(async move {
            let socket = dial(address, &format!("Bearer n{n} 1")).await.unwrap();
            let machine = crate::world::Machine::default();
            serve(socket, machine, Liveness::agent(), Traffic::default(), shutdown).await
        });
    }
    let heard = || world.door.heard.lock().unwrap().len();
    let opened = tokio::time::timeout(12 * SOON, async {
        while heard() < COUNT {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    opened.await.expect("all tunnels open");
    let grown = resident_kib().saturating_sub(before);
    eprintln!("{COUNT} tunnels: {:?}, {grown} KiB for both sides", started.elapsed());
    // 64 KiB for each tunnel on both sides together would be much for one that does nothing.
    assert!(grown < COUNT * 128, "{grown} KiB");
    assert_eq!(world.server.send(get("/api/n999/x")).await.status, StatusCode::OK);
    shutdown.cancel();
    while let Some(ended) = agents.join_next().await {
        assert!(matches!(ended.unwrap(), Ended::ClosedHere(_)));
    }
    eventually("all ends to be heard", || heard() == 2 * COUNT).await;
}
