//! Bytes to messages.

use super::{
    Attach, Channel, Exit, MESSAGE_BYTES_MAX, Process, REPLY_BYTES_MAX, Refusal, Reply, Request, Size, Start, Stream,
    TEXT_BYTES_MAX, User,
};

/// Bytes that are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than [`MESSAGE_BYTES_MAX`] or [`REPLY_BYTES_MAX`].
    #[error("a message of {0} bytes is longer than any may be")]
    TooLong(usize),
    /// Unknown kind.
    #[error("no message has the kind {0:#04x}")]
    Kind(u8),
    /// Too short, too long, or with values that mean nothing.
    #[error("a message of kind {0:#04x} is damaged")]
    Damaged(u8),
}

/// Splits the first whole message (without its length) off `bytes`: (message, bytes it took with its length).
fn split(bytes: &[u8], most: usize) -> Result<Option<(&[u8], usize)>, Malformed> {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length > most {
        return Err(Malformed::TooLong(length));
    }
    Ok(rest.get(..length).map(|message| (message, 4 + length)))
}

/// How many bytes the first reply in `bytes` takes, when it is whole.
pub fn whole_reply(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    Ok(split(bytes, REPLY_BYTES_MAX)?.map(|(_, taken)| taken))
}

impl<'a> Request<'a> {
    /// Splits the first whole request off `bytes`, with how many bytes it took; `None` when more are needed.
    pub fn decode(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, Malformed> {
        let Some((message, taken)) = split(bytes, MESSAGE_BYTES_MAX)? else {
            return Ok(None);
        };
        let (kind, rest) = message.split_first().ok_or(Malformed::Kind(0))?;
        let mut fields = Fields { rest };
        let read = fields.request(*kind).ok_or(Malformed::Damaged(*kind))?;
        let request = read.ok_or(Malformed::Kind(*kind))?;
        if fields.rest.is_empty() {
            Ok(Some((request, taken)))
        } else {
            Err(Malformed::Damaged(*kind))
        }
    }
}

impl<'a> Reply<'a> {
    /// Splits the first whole reply off `bytes`, with how many bytes it took; `None` when more are needed.
    pub fn decode(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, Malformed> {
        let Some((message, taken)) = split(bytes, REPLY_BYTES_MAX)? else {
            return Ok(None);
        };
        let (kind, rest) = message.split_first().ok_or(Malformed::Kind(0))?;
        let mut fields = Fields { rest };
        let read = fields.reply(*kind).ok_or(Malformed::Damaged(*kind))?;
        let reply = read.ok_or(Malformed::Kind(*kind))?;
        if fields.rest.is_empty() {
            Ok(Some((reply, taken)))
        } else {
            Err(Malformed::Damaged(*kind))
        }
    }
}

struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The outer option: damaged. The inner one: unknown kind.
    fn request(&mut self, kind: u8) -> Option<Option<Request<'a>>> {
        Some(Some(match kind {
            1 => Request::Hello {
                oldest: self.u16()?,
                newest: self.u16()?,
            },
            2 => Request::Start(self.start()?),
            3 => Request::List,
            4 => Request::Describe {
                id: self.short()?,
                meta: self.short()?,
            },
            5 => Request::Resize {
                id: self.short()?,
                size: self.size()?,
            },
            6 => Request::Signal {
                id: self.short()?,
                signal: self.u8()?,
            },
            7 => Request::Remove { id: self.short()? },
            8 => Request::Shutdown,
            9 => Request::Attach(self.attach()?),
            10 => Request::Input {
                offset: self.u64()?,
                bytes: std::mem::take(&mut self.rest),
            },
            11 => Request::Ack { offset: self.u64()? },
            12 => Request::EndInput { offset: self.u64()? },
            13 => Request::Redraw { id: self.short()? },
            _ => return Some(None),
        }))
    }

    fn reply(&mut self, kind: u8) -> Option<Option<Reply<'a>>> {
        Some(Some(match kind {
            0x81 => Reply::Hello {
                version: self.u16()?,
                boot: self.array()?,
                release: self.short()?,
            },
            0x82 => Reply::Done,
            0x83 => Reply::Started { pid: self.u32()? },
            0x84 => {
                let count = self.u32()?;
                Reply::Listing((0..count).map(|_| self.process()).collect::<Option<Vec<_>>>()?)
            }
            0x85 => Reply::Attached {
                start: self.u64()?,
                end: self.u64()?,
                input_offset: self.u64()?,
                size: self.size()?,
            },
            0x86 => Reply::Output {
                offset: self.u64()?,
                bytes: std::mem::take(&mut self.rest),
            },
            0x87 => Reply::Gap {
                from: self.u64()?,
                to: self.u64()?,
            },
            0x88 => Reply::InputAck { offset: self.u64()? },
            0x89 => Reply::Resized(self.size()?),
            0x8a => Reply::Exited(self.exit()?),
            0x8b => {
                let number = self.u16()?;
                Reply::Refused {
                    refusal: Refusal::ALL.into_iter().find(|refusal| *refusal as u16 == number)?,
                    message: self.text(MESSAGE_BYTES_MAX)?,
                }
            }
            _ => return Some(None),
        }))
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*array)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn bytes(&mut self, most: usize) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        if length > most {
            return None;
        }
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    fn text(&mut self, most: usize) -> Option<String> {
        std::str::from_utf8(self.bytes(most)?).ok().map(str::to_owned)
    }

    fn short(&mut self) -> Option<String> {
        self.text(TEXT_BYTES_MAX)
    }

    fn long(&mut self) -> Option<String> {
        self.text(MESSAGE_BYTES_MAX)
    }

    fn size(&mut self) -> Option<Size> {
        Some(Size {
            cols: self.u16()?,
            rows: self.u16()?,
        })
    }

    fn exit(&mut self) -> Option<Exit> {
        let tag = self.u8()?;
        let value = self.u32()?;
        match tag {
            0 => Some(Exit::Code(value)),
            1 => Some(Exit::Signal(value)),
            _ => None,
        }
    }

    fn start(&mut self) -> Option<Start> {
        let id = self.short()?;
        let meta = self.short()?;
        let arguments = self.u32()?;
        let argv = (0..arguments).map(|_| self.long()).collect::<Option<Vec<_>>>()?;
        let cwd = self.short()?;
        let variables = self.u32()?;
        let env = (0..variables)
            .map(|_| Some((self.long()?, self.long()?)))
            .collect::<Option<Vec<_>>>()?;
        let user = if self.flag()? {
            Some(User {
                uid: self.u32()?,
                gid: self.u32()?,
            })
        } else {
            None
        };
        let channel = match self.u8()? {
            0 => Channel::Pty(self.size()?),
            1 => Channel::Pipes { lossless: self.flag()? },
            _ => return None,
        };
        Some(Start {
            id,
            meta,
            argv,
            cwd,
            env,
            user,
            channel,
        })
    }

    fn attach(&mut self) -> Option<Attach> {
        let id = self.short()?;
        let stream = match self.u8()? {
            0 => Stream::Out,
            1 => Stream::Err,
            _ => return None,
        };
        let from = self.u64()?;
        let window = self.u32()?;
        let flags = self.u8()?;
        let writer = self.array()?;
        (flags < 8).then_some(Attach {
            id,
            stream,
            from,
            window,
            writer: (flags & 4 != 0).then_some(writer),
            pace: flags & 1 != 0,
            consume: flags & 2 != 0,
        })
    }

    /// Fields after the known ones are of a newer version and skipped.
    fn process(&mut self) -> Option<Process> {
        let mut one = Self {
            rest: self.bytes(MESSAGE_BYTES_MAX)?,
        };
        let (id, meta) = (one.short()?, one.short()?);
        let (is_terminal, size) = (one.flag()?, one.size()?);
        let pid = one.u32()?;
        let (ended, exit) = (one.flag()?, one.exit()?);
        Some(Process {
            id,
            meta,
            size: is_terminal.then_some(size),
            pid,
            exit: ended.then_some(exit),
            out: (one.u64()?, one.u64()?),
            err: (one.u64()?, one.u64()?),
            created_ms: one.u64()?,
            last_input_ms: one.u64()?,
            last_output_ms: one.u64()?,
            viewers: one.u32()?,
        })
    }
}
