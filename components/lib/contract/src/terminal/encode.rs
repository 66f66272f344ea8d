//! Frames to bytes.

use super::{ClientFrame, ExitStatus, ServerFrame, Size, kind};

impl ClientFrame<'_> {
    /// The frame as one WebSocket message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match *self {
            Self::Hello { viewer, from, size } => {
                Writer::new(kind::HELLO, 28).bytes(&viewer).u64(from).size(size).done()
            }
            Self::Input { offset, bytes } => Writer::new(kind::INPUT, 8 + bytes.len())
                .u64(offset)
                .bytes(bytes)
                .done(),
            Self::Resize(size) => Writer::new(kind::RESIZE, 4).size(size).done(),
            Self::Ack { offset } => Writer::new(kind::ACK, 8).u64(offset).done(),
            Self::Ping { token } => Writer::new(kind::PING, 8).u64(token).done(),
        }
    }
}

impl ServerFrame<'_> {
    /// The frame as one WebSocket message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match *self {
            Self::Welcome {
                start,
                end,
                input_offset,
                size,
                read_only,
            } => Writer::new(kind::WELCOME, 29)
                .u64(start)
                .u64(end)
                .u64(input_offset)
                .size(size)
                .u8(u8::from(read_only))
                .done(),
            Self::Output { offset, bytes } => Writer::new(kind::OUTPUT, 8 + bytes.len())
                .u64(offset)
                .bytes(bytes)
                .done(),
            Self::Gap { from, to } => Writer::new(kind::GAP, 16).u64(from).u64(to).done(),
            Self::InputAck { offset } => Writer::new(kind::INPUT_ACK, 8).u64(offset).done(),
            Self::Size(size) => Writer::new(kind::SIZE, 4).size(size).done(),
            Self::Exit(status) => {
                let (tag, value) = match status {
                    ExitStatus::Code(code) => (0, code),
                    ExitStatus::Signal(signal) => (1, signal),
                };
                Writer::new(kind::EXIT, 5).u8(tag).bytes(&value.to_be_bytes()).done()
            }
            Self::Lost => Writer::new(kind::LOST, 0).done(),
            Self::Pong { token } => Writer::new(kind::PONG, 8).u64(token).done(),
            Self::Error { code, message } => Writer::new(kind::ERROR, 2 + message.len())
                .bytes(&code.number().to_be_bytes())
                .bytes(message.as_bytes())
                .done(),
        }
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn new(kind: u8, rest: usize) -> Self {
        let mut frame = Vec::with_capacity(1 + rest);
        frame.push(kind);
        Self(frame)
    }

    fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    fn u64(self, value: u64) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    fn size(self, size: Size) -> Self {
        self.bytes(&size.cols.to_be_bytes()).bytes(&size.rows.to_be_bytes())
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn done(self) -> Vec<u8> {
        self.0
    }
}
