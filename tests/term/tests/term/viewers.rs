//! Several viewers of one terminal.

use sam_agent_terminals::TerminalError;
use sam_contract::terminal::{ClientFrame, ErrorCode, SUBPROTOCOL, Size};
use sam_tests_term::agent::Agent;
use sam_tests_term::client::{Event, Memory, Viewer, connect};
use sam_tests_term::supervisor::Supervisor;

const DESK: Size = Size { cols: 200, rows: 50 };
const PHONE: Size = Size { cols: 40, rows: 30 };

async fn start(script: &str) -> (Supervisor, Agent, String) {
    let supervisor = Supervisor::start().await.unwrap();
    let agent = Agent::start(supervisor.terminals.clone()).await.unwrap();
    let url = agent.url(supervisor.shell(script).await.unwrap());
    (supervisor, agent, url)
}

async fn attach(url: &str, size: Size) -> (Viewer, sam_tests_term::client::Welcome) {
    Viewer::attach(url, Memory::new().unwrap(), size).await.unwrap()
}

#[tokio::test]
async fn all_see_the_same() {
    let (supervisor, _agent, url) = start("cat").await;
    let (mut one, _) = attach(&url, DESK).await;
    one.input(b"first\r").await.unwrap();
    one.expect("first\r\nfirst\r\n").await.unwrap();
    let (mut two, welcome) = attach(&url, DESK).await;
    assert_eq!((welcome.start, welcome.end), (0, 14));
    two.input(b"second\r").await.unwrap();
    let seen_by_one = one.expect("second\r\nsecond\r\n").await.unwrap();
    let seen_by_two = two.expect("second\r\nsecond\r\n").await.unwrap();
    assert_eq!([b"first\r\nfirst\r\n", seen_by_one.as_slice()].concat(), seen_by_two);
    assert_eq!(supervisor.terminals.list().await.unwrap()[0].viewers, 2);
}

#[tokio::test]
async fn the_latest_active_writer_decides_the_size() {
    let (_supervisor, _agent, url) = start("cat").await;
    let (mut desk, _) = attach(&url, DESK).await;
    let (mut phone, welcome) = attach(&url, PHONE).await;
    assert_eq!(welcome.size, PHONE);
    assert_eq!(
        desk.event(|event| matches!(event, Event::Size(_))).await.unwrap(),
        Event::Size(PHONE)
    );
    desk.input(b"x").await.unwrap();
    assert_eq!(
        phone.event(|event| matches!(event, Event::Size(_))).await.unwrap(),
        Event::Size(DESK)
    );
    phone.resize(45, 31).await.unwrap();
    let turned = Event::Size(Size { cols: 45, rows: 31 });
    desk.event(|event| *event == turned).await.unwrap();
    drop(phone.drop_connection());
    desk.event(|event| *event == Event::Size(DESK)).await.unwrap();
}

#[tokio::test]
async fn a_reader_watches_and_nothing_else() {
    let (_supervisor, _agent, url) = start("cat").await;
    let (mut writer, _) = attach(&url, DESK).await;
    let shared = format!("{url}?read");
    // Even under the writer's own name.
    let mut memory = writer.memory.clone();
    memory.seen = 0;
    let (mut reader, welcome) = Viewer::attach(&shared, memory, PHONE).await.unwrap();
    assert!(welcome.read_only);
    assert_eq!(welcome.size, DESK);
    reader
        .send(&ClientFrame::Input {
            offset: 0,
            bytes: b"rm -rf\r",
        })
        .await
        .unwrap();
    let refused = reader.event(|event| matches!(event, Event::Error(..))).await.unwrap();
    assert!(matches!(refused, Event::Error(ErrorCode::ReadOnly, _)));
    reader.resize(10, 10).await.unwrap();
    reader.send(&ClientFrame::Ping { token: 7 }).await.unwrap();
    reader.event(|event| *event == Event::Pong(7)).await.unwrap();
    writer.input(b"fine\r").await.unwrap();
    let seen = writer.expect("fine\r\nfine\r\n").await.unwrap();
    assert_eq!(seen, b"fine\r\nfine\r\n", "nothing of the reader's arrived");
    reader.expect("fine\r\nfine\r\n").await.unwrap();
}

#[tokio::test]
async fn the_same_viewer_replaces_itself() {
    let (_supervisor, _agent, url) = start("cat").await;
    let (mut old, _) = attach(&url, DESK).await;
    let (mut new, _) = Viewer::attach(&url, old.memory.clone(), DESK).await.unwrap();
    let ended = old.event(|event| matches!(event, Event::Error(..))).await.unwrap();
    assert!(matches!(ended, Event::Error(ErrorCode::Replaced, _)));
    new.input(b"here\r").await.unwrap();
    new.expect("here\r\nhere\r\n").await.unwrap();
}

#[tokio::test]
async fn input_out_of_turn_is_refused_and_repeated_input_is_dropped() {
    let (_supervisor, _agent, url) = start("cat").await;
    let (mut viewer, _) = attach(&url, DESK).await;
    viewer.input(b"ab").await.unwrap();
    viewer
        .send(&ClientFrame::Input {
            offset: 0,
            bytes: b"ab",
        })
        .await
        .unwrap();
    viewer
        .send(&ClientFrame::Input { offset: 1, bytes: b"b" })
        .await
        .unwrap();
    viewer.input(b"c\r").await.unwrap();
    assert_eq!(viewer.expect("abc\r\nabc\r\n").await.unwrap(), b"abc\r\nabc\r\n");
    let (mut viewer, _) = attach(&url, DESK).await;
    viewer
        .send(&ClientFrame::Input { offset: 5, bytes: b"x" })
        .await
        .unwrap();
    let refused = viewer.event(|event| matches!(event, Event::Error(..))).await.unwrap();
    assert!(matches!(refused, Event::Error(ErrorCode::InputGap, _)));
    assert_eq!(viewer.next().await.unwrap(), Event::Closed);
}

#[tokio::test]
async fn a_terminal_that_is_closed_or_never_was_says_so() {
    let (supervisor, agent, url) = start("cat").await;
    let (mut viewer, _) = attach(&url, DESK).await;
    let id = supervisor.terminals.list().await.unwrap()[0].id;
    supervisor.terminals.close(id).await.unwrap();
    let told = viewer.event(|event| matches!(event, Event::Error(..))).await.unwrap();
    assert!(matches!(told, Event::Error(ErrorCode::NotFound, _)));
    assert!(matches!(
        supervisor.terminals.get(id).await,
        Err(TerminalError::NotFound)
    ));
    let socket = connect(&agent.url(id), &[], &[SUBPROTOCOL]).await.unwrap();
    let refused = Viewer::open(socket, Memory::new().unwrap(), 0, DESK)
        .await
        .err()
        .unwrap();
    assert!(refused.to_string().contains("NotFound"), "{refused}");
}

#[tokio::test]
async fn the_subprotocol_is_required_and_a_ticket_is_not_selected() {
    let (_supervisor, _agent, url) = start("cat").await;
    assert!(connect(&url, &[], &["something.else"]).await.is_err());
    connect(&url, &[], &[SUBPROTOCOL, "ticket.abc"]).await.unwrap();
}
