//! Fast producers, slow viewers, offsets.

use std::time::Duration;

use sam_contract::terminal::{ClientFrame, LATEST, SUBPROTOCOL, Size, WINDOW_BYTES};
use sam_tests_term::agent::Agent;
use sam_tests_term::client::{Event, Memory, Viewer, connect};
use sam_tests_term::supervisor::{Supervisor, resident_kib};

async fn start(script: &str) -> (Supervisor, Agent, String) {
    let supervisor = Supervisor::start().await.unwrap();
    let agent = Agent::start(supervisor.terminals.clone()).await.unwrap();
    let url = agent.url(supervisor.shell(script).await.unwrap());
    (supervisor, agent, url)
}

#[tokio::test]
async fn a_viewer_that_reads_misses_nothing_of_a_large_output() {
    let (_supervisor, _agent, url) = start("read go; head -c 20000000 /dev/zero | tr '\\0' 'a'; echo end").await;
    let (mut viewer, _) = Viewer::attach(&url, Memory::new().unwrap(), Size::DEFAULT)
        .await
        .unwrap();
    viewer.input(b"\r").await.unwrap();
    // `next` fails on any hole, and `until` would not find the end after a gap of 20 MB.
    let all = viewer.until("the end", |all| all.ends_with(b"end\r\n")).await.unwrap();
    assert_eq!(all.len(), 2 + 20_000_000 + 5);
}

#[tokio::test]
async fn a_stalled_viewer_costs_little_and_holds_nobody_up() {
    let (supervisor, _agent, url) = start("yes").await;
    let (mut stalled, _) = Viewer::attach(&url, Memory::new().unwrap(), Size::DEFAULT)
        .await
        .unwrap();
    stalled.acknowledges = false;
    let mut received = 0;
    while received < WINDOW_BYTES {
        if let Event::Output(bytes) = stalled.next().await.unwrap() {
            received += bytes.len() as u64;
        }
    }
    assert_eq!(received, WINDOW_BYTES, "the window is the limit, exactly");
    let before = resident_kib(supervisor.pid()).unwrap();
    // Another one is served as if nothing were.
    let socket = connect(&url, &[], &[SUBPROTOCOL]).await.unwrap();
    let (mut other, _) = Viewer::open(socket, Memory::new().unwrap(), LATEST, Size::DEFAULT)
        .await
        .unwrap();
    other
        .until("sixteen megabytes", |all| all.len() > 16 << 20)
        .await
        .unwrap();
    let grown = resident_kib(supervisor.pid()).unwrap().saturating_sub(before);
    assert!(grown < 4096, "the supervisor grew by {grown} KiB");
    // It goes on with a gap to what is still kept.
    stalled.acknowledges = true;
    let offset = stalled.memory.seen;
    stalled.send(&ClientFrame::Ack { offset }).await.unwrap();
    let gap = stalled.event(|event| matches!(event, Event::Gap(..))).await.unwrap();
    let Event::Gap(from, to) = gap else { unreachable!() };
    assert_eq!(from, offset);
    assert!(to > 8 << 20, "{to}");
    stalled.event(|event| matches!(event, Event::Output(_))).await.unwrap();
}

#[tokio::test]
async fn nobody_looking_holds_nothing_up() {
    let (_supervisor, _agent, url) = start("head -c 5000000 /dev/zero; echo; echo done; cat").await;
    let mut memory = Memory::new().unwrap();
    let deadline = tokio::time::Instant::now() + sam_tests_term::client::PATIENCE;
    // It runs to its end alone; whoever comes then gets the last mebibyte.
    let (mut viewer, welcome) = loop {
        let (viewer, welcome) = Viewer::attach(&format!("{url}?read"), memory, Size::DEFAULT)
            .await
            .unwrap();
        if welcome.end > 5_000_000 {
            break (viewer, welcome);
        }
        memory = viewer.drop_connection();
        memory.seen = 0;
        assert!(tokio::time::Instant::now() < deadline, "stuck at {}", welcome.end);
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(welcome.end - welcome.start, 1 << 20);
    assert_eq!(viewer.next().await.unwrap(), Event::Gap(0, welcome.start));
    let kept = viewer.expect("done\r\n").await.unwrap();
    assert_eq!(kept.len(), 1 << 20);
}

#[tokio::test]
async fn who_missed_output_gets_a_fresh_screen() {
    let script = "trap 'echo drawn for $(stty size)' WINCH; head -c 1100000 /dev/zero; echo; echo begun; \
         while :; do sleep 0.01; done";
    let (_supervisor, _agent, url) = start(script).await;
    let (mut whole, _) = Viewer::attach(&url, Memory::new().unwrap(), Size::DEFAULT)
        .await
        .unwrap();
    whole.expect("begun").await.unwrap();
    let (mut late, _) = Viewer::attach(&url, Memory::new().unwrap(), Size::DEFAULT)
        .await
        .unwrap();
    assert!(matches!(late.next().await.unwrap(), Event::Gap(0, _)));
    late.expect("drawn for 24 80\r\n").await.unwrap();
    // One that missed nothing disturbs nobody.
    let (mut resumed, _) = Viewer::attach(&url, late.drop_connection(), Size::DEFAULT)
        .await
        .unwrap();
    resumed.send(&ClientFrame::Ping { token: 1 }).await.unwrap();
    assert_eq!(resumed.next().await.unwrap(), Event::Pong(1));
}

#[tokio::test]
async fn an_offset_beyond_the_end_is_answered_with_a_gap_back() {
    let (_supervisor, _agent, url) = start("echo hello; cat").await;
    let mut memory = Memory::new().unwrap();
    memory.seen = 1 << 40;
    let (mut viewer, welcome) = Viewer::attach(&url, memory, Size::DEFAULT).await.unwrap();
    assert_eq!(welcome.start, 0);
    assert_eq!(viewer.next().await.unwrap(), Event::Gap(1 << 40, 0));
    viewer.expect("hello\r\n").await.unwrap();
}

#[tokio::test]
async fn bytes_are_opaque() {
    let script =
        r"stty -opost; i=0; while [ $i -lt 3000 ]; do printf '\360\237\246\200\377\000\033'; i=$((i+1)); done; cat";
    let (_supervisor, _agent, url) = start(script).await;
    let (mut viewer, _) = Viewer::attach(&url, Memory::new().unwrap(), Size::DEFAULT)
        .await
        .unwrap();
    let all = viewer.until("everything", |all| all.len() >= 21_000).await.unwrap();
    assert_eq!(all, b"\xf0\x9f\xa6\x80\xff\x00\x1b".repeat(3000));
}

#[tokio::test]
async fn a_paste_larger_than_every_queue_arrives_whole() {
    let (_supervisor, _agent, url) = start("stty raw -echo; echo ready; exec head -c 300000").await;
    let (mut viewer, _) = Viewer::attach(&url, Memory::new().unwrap(), Size::DEFAULT)
        .await
        .unwrap();
    viewer.expect("ready\n").await.unwrap();
    let paste: Vec<u8> = (0..300_000_u32).map(|i| b'a' + (i % 23) as u8).collect();
    let mut back = Vec::new();
    for piece in paste.chunks(10_000) {
        while viewer.memory.input_waiting() + piece.len() > 60_000 {
            if let Event::Output(bytes) = viewer.next().await.unwrap() {
                back.extend(bytes);
            }
        }
        viewer.input(piece).await.unwrap();
    }
    while back.len() < paste.len() {
        match viewer.next().await.unwrap() {
            Event::Output(bytes) => back.extend(bytes),
            Event::InputAck(_) => {}
            other => panic!("unexpected {other:?} after {} bytes", back.len()),
        }
    }
    assert!(back == paste);
}
