//! Messages survive the socket, however it cuts them, and nothing else is taken for one.
#![cfg(test)]

use proptest::prelude::*;
use sam_supervisor::protocol::{
    Attach, Channel, Exit, Process, Refusal, Reply, Request, Size, Start, Stream, User, whole_reply,
};

fn starts() -> impl Strategy<Value = Start> {
    let text = "[a-zä\n]{0,12}";
    let user = prop::option::of(any::<(u32, u32)>().prop_map(|(uid, gid)| User { uid, gid }));
    let channel = prop_oneof![
        any::<(u16, u16)>().prop_map(|(cols, rows)| Channel::Pty(Size { cols, rows })),
        any::<bool>().prop_map(|lossless| Channel::Pipes { lossless }),
    ];
    let lists = (
        prop::collection::vec(text, 0..4),
        prop::collection::vec((text, text), 0..4),
    );
    (text, text, lists, text, user, channel).prop_map(|(id, meta, (argv, env), cwd, user, channel)| Start {
        id,
        meta,
        argv,
        cwd,
        env,
        user,
        channel,
    })
}

fn requests(bytes: &[u8], start: Start, numbers: (u64, u32, u8), flags: (bool, bool)) -> Vec<Request<'_>> {
    let (offset, window, small) = numbers;
    let attach = |stream, writer| Attach {
        id: start.id.clone(),
        stream,
        from: offset,
        window,
        writer,
        pace: flags.0,
        consume: flags.1,
    };
    let size = Size {
        cols: u16::from(small),
        rows: 7,
    };
    vec![
        Request::Hello { oldest: 1, newest: 9 },
        Request::List,
        Request::Describe {
            id: start.id.clone(),
            meta: start.meta.clone(),
        },
        Request::Resize {
            id: start.id.clone(),
            size,
        },
        Request::Signal {
            id: start.id.clone(),
            signal: small,
        },
        Request::Remove { id: start.id.clone() },
        Request::Redraw { id: start.id.clone() },
        Request::Shutdown,
        Request::Attach(attach(Stream::Out, Some([small; 16]))),
        Request::Attach(attach(Stream::Err, None)),
        Request::Input { offset, bytes },
        Request::Ack { offset },
        Request::EndInput { offset },
        Request::Start(start),
    ]
}

fn replies(bytes: &[u8], start: Start, a: u64, b: u64, small: u32) -> Vec<Reply<'_>> {
    let size = Size { cols: 80, rows: 24 };
    let process = Process {
        id: start.id.clone(),
        meta: start.meta,
        size: small.is_multiple_of(2).then_some(size),
        pid: small,
        exit: small.is_multiple_of(3).then_some(Exit::Signal(small)),
        out: (a, b),
        err: (b, a),
        created_ms: a,
        last_input_ms: b,
        last_output_ms: a,
        viewers: small,
    };
    vec![
        Reply::Hello {
            version: 1,
            boot: [9; 16],
            release: start.cwd,
        },
        Reply::Done,
        Reply::Started { pid: small },
        Reply::Listing(vec![process.clone(), process]),
        Reply::Attached {
            start: a,
            end: b,
            input_offset: a,
            size,
        },
        Reply::Output { offset: a, bytes },
        Reply::Gap { from: a, to: b },
        Reply::InputAck { offset: b },
        Reply::Resized(size),
        Reply::Exited(Exit::Code(small)),
        Reply::Refused {
            refusal: Refusal::InputGap,
            message: start.id,
        },
    ]
}

proptest! {
    #[test]
    fn requests_survive(
        bytes in prop::collection::vec(any::<u8>(), 0..200), start in starts(), numbers in any::<(u64, u32, u8)>(),
        flags in any::<(bool, bool)>(), cut in any::<prop::sample::Index>(),
    ) {
        for request in requests(&bytes, start, numbers, flags) {
            let mut wire = Vec::new();
            request.encode(&mut wire);
            let part = cut.index(wire.len());
            prop_assert_eq!(Request::decode(&wire[..part]), Ok(None), "a part is not a message");
            let length = wire.len();
            wire.extend_from_slice(&[0, 0, 0, 1, 3]);
            prop_assert_eq!(Request::decode(&wire), Ok(Some((request, length))));
        }
    }

    #[test]
    fn replies_survive(
        bytes in prop::collection::vec(any::<u8>(), 0..200), start in starts(), a in any::<u64>(), b in any::<u64>(),
        small in any::<u32>(), cut in any::<prop::sample::Index>(),
    ) {
        for reply in replies(&bytes, start, a, b, small) {
            let mut wire = Vec::new();
            reply.encode(&mut wire);
            prop_assert_eq!(whole_reply(&wire[..cut.index(wire.len())]), Ok(None));
            prop_assert_eq!(whole_reply(&wire), Ok(Some(wire.len())));
            prop_assert_eq!(Reply::decode(&wire), Ok(Some((reply, wire.len()))));
        }
    }

    /// A client may say anything; the supervisor, which owns everybody's shells, stays up.
    #[test]
    fn anything_is_read_safely(kind in 0u8..16, bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut wire = u32::try_from(bytes.len() + 1).unwrap().to_be_bytes().to_vec();
        wire.push(kind);
        wire.extend_from_slice(&bytes);
        if let Ok(Some((request, length))) = Request::decode(&wire) {
            let mut again = Vec::new();
            request.encode(&mut again);
            prop_assert_eq!(&again[4..], &wire[4..length]);
        }
        wire[4] |= 0x80;
        drop(Reply::decode(&wire));
    }
}

#[test]
fn a_length_that_none_may_have_is_refused_at_once() {
    assert!(Request::decode(&[0xff, 0, 0, 0]).is_err());
    assert!(whole_reply(&[0xff, 0, 0, 0]).is_err());
}
