//! Terminal frames: each survives the wire, nothing else is a frame, and the web app's constants are these.
#![cfg(test)]

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use sam_contract::terminal::{self, ClientFrame, ErrorCode, ExitStatus, Malformed, ServerFrame, Size, kind};

fn sizes() -> impl Strategy<Value = Size> {
    any::<(u16, u16)>().prop_map(|(cols, rows)| Size { cols, rows })
}

fn chunks() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..300)
}

fn client(frame: ClientFrame<'_>) -> Result<(), TestCaseError> {
    let message = frame.encode();
    prop_assert_eq!(ClientFrame::decode(&message), Ok(frame));
    Ok(())
}

fn server(frame: ServerFrame<'_>) -> Result<(), TestCaseError> {
    let message = frame.encode();
    prop_assert_eq!(ServerFrame::decode(&message), Ok(frame));
    Ok(())
}

proptest! {
    #[test]
    fn frames_survive_the_wire(
        viewer in any::<[u8; 16]>(), a in any::<u64>(), b in any::<u64>(), c in any::<u64>(), value in any::<u32>(),
        size in sizes(), flag in any::<bool>(), bytes in chunks(), message in ".{0,80}",
        code in prop::sample::select(ErrorCode::ALL.to_vec()),
    ) {
        client(ClientFrame::Hello { viewer, from: a, size })?;
        client(ClientFrame::Input { offset: a, bytes: &bytes })?;
        client(ClientFrame::Resize(size))?;
        client(ClientFrame::Ack { offset: b })?;
        client(ClientFrame::Ping { token: c })?;
        server(ServerFrame::Welcome { start: a, end: b, input_offset: c, size, read_only: flag })?;
        server(ServerFrame::Output { offset: a, bytes: &bytes })?;
        server(ServerFrame::Gap { from: a, to: b })?;
        server(ServerFrame::InputAck { offset: a })?;
        server(ServerFrame::Size(size))?;
        server(ServerFrame::Exit(ExitStatus::Code(value)))?;
        server(ServerFrame::Exit(ExitStatus::Signal(value)))?;
        server(ServerFrame::Lost)?;
        server(ServerFrame::Pong { token: a })?;
        server(ServerFrame::Error { code: code.0, message: &message })?;
    }

    /// Whatever arrives, reading it neither panics nor invents: what is read is written back the same.
    #[test]
    fn any_bytes_are_read_safely(bytes in prop::collection::vec(any::<u8>(), 0..64), first in 0u8..0x10) {
        let mut message = bytes;
        if let Some(kind) = message.first_mut() {
            *kind = if *kind & 1 == 0 { first } else { first | 0x80 };
        }
        if let Ok(frame) = ClientFrame::decode(&message) {
            prop_assert_eq!(frame.encode(), message.clone());
        }
        if let Ok(frame) = ServerFrame::decode(&message) {
            prop_assert_eq!(frame.encode(), message);
        }
    }
}

#[test]
fn the_layout_is_the_documented_one() {
    let hello = ClientFrame::Hello {
        viewer: *b"0123456789abcdef",
        from: terminal::LATEST,
        size: Size { cols: 0x0102, rows: 3 },
    };
    let mut expected = vec![1];
    expected.extend_from_slice(b"0123456789abcdef");
    expected.extend_from_slice(&[0xff; 8]);
    expected.extend_from_slice(&[1, 2, 0, 3]);
    assert_eq!(hello.encode(), expected);
    let output = ServerFrame::Output {
        offset: 0x0102_0304_0506,
        bytes: "é".as_bytes(),
    };
    assert_eq!(output.encode(), [0x82, 0, 0, 1, 2, 3, 4, 5, 6, 0xc3, 0xa9]);
    let exit = ServerFrame::Exit(ExitStatus::Signal(9));
    assert_eq!(exit.encode(), [0x86, 1, 0, 0, 0, 9]);
}

#[test]
fn odd_lengths_are_refused() {
    let refused = |message: &[u8]| ClientFrame::decode(message).unwrap_err();
    assert_eq!(refused(&[]), Malformed::Empty);
    assert_eq!(refused(&[0x82]), Malformed::Kind(0x82));
    assert_eq!(
        refused(&[kind::RESIZE, 0, 80, 0]),
        Malformed::Length { kind: 3, length: 4 }
    );
    assert_eq!(
        refused(&[kind::RESIZE, 0, 80, 0, 24, 0]),
        Malformed::Length { kind: 3, length: 6 }
    );
    assert_eq!(
        refused(&[kind::INPUT, 0, 0, 0, 0, 0, 0, 0, 0]),
        Malformed::Length { kind: 2, length: 9 }
    );
}

/// `web/src/terminal/frames.gen.ts`: written by `cargo xtask gen` (which sets `INSTA_UPDATE=always`).
#[test]
fn the_web_apps_constants_are_current() {
    let current = typescript();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../web/src/terminal/frames.gen.ts");
    if std::env::var("INSTA_UPDATE").as_deref() == Ok("always") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &current).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == current, "frames.gen.ts differs; run `cargo xtask gen`");
}

fn typescript() -> String {
    let mut out = String::from(
        "// Generated from contract::terminal by `cargo xtask gen`; its module text is the reference of the layout.\n\n",
    );
    let mut line = |name: &str, value: String| writeln!(out, "export const {name} = {value};").unwrap();
    line("SUBPROTOCOL", format!("'{}'", terminal::SUBPROTOCOL));
    line("TICKET_PREFIX", format!("'{}'", terminal::TICKET_PREFIX));
    line("LATEST", format!("{}n", terminal::LATEST));
    line("WINDOW_BYTES", terminal::WINDOW_BYTES.to_string());
    line("ACK_EVERY_BYTES", terminal::ACK_EVERY_BYTES.to_string());
    line("INPUT_WINDOW_BYTES", terminal::INPUT_WINDOW_BYTES.to_string());
    line("CHUNK_BYTES_MAX", terminal::CHUNK_BYTES_MAX.to_string());
    line("SIZE_MAX", terminal::SIZE_MAX.to_string());
    let kinds = [
        ("HELLO", kind::HELLO),
        ("INPUT", kind::INPUT),
        ("RESIZE", kind::RESIZE),
        ("ACK", kind::ACK),
        ("PING", kind::PING),
        ("WELCOME", kind::WELCOME),
        ("OUTPUT", kind::OUTPUT),
        ("GAP", kind::GAP),
        ("INPUT_ACK", kind::INPUT_ACK),
        ("SIZE", kind::SIZE),
        ("EXIT", kind::EXIT),
        ("LOST", kind::LOST),
        ("PONG", kind::PONG),
        ("ERROR", kind::ERROR),
    ];
    let block = |out: &mut String, name: &str, rows: Vec<(&str, u64)>| {
        writeln!(out, "\nexport const {name} = {{").unwrap();
        for (key, value) in rows {
            writeln!(out, "  {key}: {value},").unwrap();
        }
        out.push_str("} as const;\n");
    };
    block(
        &mut out,
        "Kind",
        kinds.iter().map(|(name, kind)| (*name, u64::from(*kind))).collect(),
    );
    let errors = ErrorCode::ALL
        .iter()
        .map(|(code, name)| (*name, u64::from(code.number())));
    block(&mut out, "ErrorCode", errors.collect());
    out
}
