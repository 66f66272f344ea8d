//! Messages to bytes, with their length in front.

use super::{Attach, Channel, Exit, Process, Reply, Request, Size, Start, Stream};

/// Bytes before the payload of an [`Reply::Output`]: length, kind, offset.
pub(crate) const OUTPUT_HEADER_BYTES: usize = 13;

impl Request<'_> {
    /// Appends the message.
    pub fn encode(&self, to: &mut Vec<u8>) {
        message(to, |to| match self {
            Self::Hello { oldest, newest } => to.u8(1).u16(*oldest).u16(*newest),
            Self::Start(start) => to.u8(2).start(start),
            Self::List => to.u8(3),
            Self::Describe { id, meta } => to.u8(4).text(id).text(meta),
            Self::Resize { id, size } => to.u8(5).text(id).size(*size),
            Self::Signal { id, signal } => to.u8(6).text(id).u8(*signal),
            Self::Remove { id } => to.u8(7).text(id),
            Self::Shutdown => to.u8(8),
            Self::Attach(attach) => to.u8(9).attach(attach),
            Self::Input { offset, bytes } => to.u8(10).u64(*offset).raw(bytes),
            Self::Ack { offset } => to.u8(11).u64(*offset),
            Self::Redraw { id } => to.u8(13).text(id),
            Self::EndInput { offset } => to.u8(12).u64(*offset),
        });
    }
}

impl Reply<'_> {
    /// Appends the message.
    pub fn encode(&self, to: &mut Vec<u8>) {
        message(to, |to| match self {
            Self::Hello { version, boot, release } => to.u8(0x81).u16(*version).raw(boot).text(release),
            Self::Done => to.u8(0x82),
            Self::Started { pid } => to.u8(0x83).u32(*pid),
            Self::Listing(processes) => {
                let mut to = to.u8(0x84).count(processes.len());
                for process in processes {
                    to = to.process(process);
                }
                to
            }
            Self::Attached {
                start,
                end,
                input_offset,
                size,
            } => to.u8(0x85).u64(*start).u64(*end).u64(*input_offset).size(*size),
            Self::Output { offset, bytes } => to.u8(0x86).u64(*offset).raw(bytes),
            Self::Gap { from, to: at } => to.u8(0x87).u64(*from).u64(*at),
            Self::InputAck { offset } => to.u8(0x88).u64(*offset),
            Self::Resized(size) => to.u8(0x89).size(*size),
            Self::Exited(exit) => to.u8(0x8a).exit(*exit),
            Self::Refused { refusal, message } => to.u8(0x8b).u16(*refusal as u16).text(message),
        });
    }
}

/// The header of an `Output` of `length` bytes, so that the bytes go from the ring to the socket without a copy.
pub(crate) fn output_header(offset: u64, length: usize) -> [u8; OUTPUT_HEADER_BYTES] {
    let mut header = [0; OUTPUT_HEADER_BYTES];
    let counted = u32::try_from(length + 9).unwrap_or(u32::MAX).to_be_bytes();
    let fields = counted.into_iter().chain([0x86]).chain(offset.to_be_bytes());
    for (place, byte) in header.iter_mut().zip(fields) {
        *place = byte;
    }
    header
}

fn message(to: &mut Vec<u8>, body: impl FnOnce(&mut Body) -> &mut Body) {
    let at = to.len();
    to.extend_from_slice(&[0; 4]);
    let mut whole = Body(std::mem::take(to));
    body(&mut whole);
    *to = whole.0;
    let length = u32::try_from(to.len() - at - 4).unwrap_or(u32::MAX);
    if let Some(place) = to.get_mut(at..at + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

struct Body(Vec<u8>);

impl Body {
    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    fn count(&mut self, count: usize) -> &mut Self {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX))
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.count(text.len()).raw(text.as_bytes())
    }

    fn size(&mut self, size: Size) -> &mut Self {
        self.u16(size.cols).u16(size.rows)
    }

    fn exit(&mut self, exit: Exit) -> &mut Self {
        match exit {
            Exit::Code(code) => self.u8(0).u32(code),
            Exit::Signal(signal) => self.u8(1).u32(signal),
        }
    }

    fn start(&mut self, start: &Start) -> &mut Self {
        self.text(&start.id).text(&start.meta).count(start.argv.len());
        for argument in &start.argv {
            self.text(argument);
        }
        self.text(&start.cwd).count(start.env.len());
        for (name, value) in &start.env {
            self.text(name).text(value);
        }
        match start.user {
            Some(user) => self.u8(1).u32(user.uid).u32(user.gid),
            None => self.u8(0),
        };
        match start.channel {
            Channel::Pty(size) => self.u8(0).size(size),
            Channel::Pipes { lossless } => self.u8(1).u8(u8::from(lossless)),
        }
    }

    fn attach(&mut self, attach: &Attach) -> &mut Self {
        let stream = match attach.stream {
            Stream::Out => 0,
            Stream::Err => 1,
        };
        let flags = u8::from(attach.pace) | u8::from(attach.consume) << 1 | u8::from(attach.writer.is_some()) << 2;
        self.text(&attach.id)
            .u8(stream)
            .u64(attach.from)
            .u32(attach.window)
            .u8(flags)
            .raw(&attach.writer.unwrap_or_default())
    }

    /// With its own length in front: a newer supervisor may append fields.
    fn process(&mut self, process: &Process) -> &mut Self {
        let mut one = Self(Vec::with_capacity(128));
        one.text(&process.id)
            .text(&process.meta)
            .u8(u8::from(process.size.is_some()))
            .size(process.size.unwrap_or(Size { cols: 0, rows: 0 }))
            .u32(process.pid)
            .u8(u8::from(process.exit.is_some()))
            .exit(process.exit.unwrap_or(Exit::Code(0)))
            .u64(process.out.0)
            .u64(process.out.1)
            .u64(process.err.0)
            .u64(process.err.1)
            .u64(process.created_ms)
            .u64(process.last_input_ms)
            .u64(process.last_output_ms)
            .u32(process.viewers);
        self.count(one.0.len()).raw(&one.0)
    }
}
