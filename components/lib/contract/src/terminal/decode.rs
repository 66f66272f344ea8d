//! Bytes to frames. Strict: a frame that is too short, too long or unknown is [`Malformed`], never guessed at.

use super::{CHUNK_BYTES_MAX, ClientFrame, ErrorCode, ExitStatus, ServerFrame, Size, kind};

/// Why a message is not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Nothing in it.
    #[error("an empty message is no frame")]
    Empty,
    /// A kind of the other direction or of the future.
    #[error("no frame has the kind {0:#04x}")]
    Kind(u8),
    /// Too few or too many bytes for its kind.
    #[error("a frame of kind {kind:#04x} cannot have {length} bytes")]
    Length {
        /// First byte.
        kind: u8,
        /// Bytes of the whole message.
        length: usize,
    },
    /// A field with a value that has no meaning.
    #[error("a frame of kind {0:#04x} has a field without meaning")]
    Value(u8),
}

impl<'a> ClientFrame<'a> {
    /// Reads one WebSocket message.
    pub fn decode(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut read = Reader::new(message)?;
        let frame = match read.kind {
            kind::HELLO => Self::Hello {
                viewer: read.array()?,
                from: read.u64()?,
                size: read.size()?,
            },
            kind::INPUT => Self::Input {
                offset: read.u64()?,
                bytes: read.chunk()?,
            },
            kind::RESIZE => Self::Resize(read.size()?),
            kind::ACK => Self::Ack { offset: read.u64()? },
            kind::PING => Self::Ping { token: read.u64()? },
            other => return Err(Malformed::Kind(other)),
        };
        read.end().map(|()| frame)
    }
}

impl<'a> ServerFrame<'a> {
    /// Reads one WebSocket message.
    pub fn decode(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut read = Reader::new(message)?;
        let frame = match read.kind {
            kind::WELCOME => Self::Welcome {
                start: read.u64()?,
                end: read.u64()?,
                input_offset: read.u64()?,
                size: read.size()?,
                read_only: match read.u8()? {
                    0 => false,
                    1 => true,
                    _ => return Err(Malformed::Value(kind::WELCOME)),
                },
            },
            kind::OUTPUT => Self::Output {
                offset: read.u64()?,
                bytes: read.chunk()?,
            },
            kind::GAP => Self::Gap {
                from: read.u64()?,
                to: read.u64()?,
            },
            kind::INPUT_ACK => Self::InputAck { offset: read.u64()? },
            kind::SIZE => Self::Size(read.size()?),
            kind::EXIT => {
                let tag = read.u8()?;
                let value = u32::from_be_bytes(read.array()?);
                Self::Exit(match tag {
                    0 => ExitStatus::Code(value),
                    1 => ExitStatus::Signal(value),
                    _ => return Err(Malformed::Value(kind::EXIT)),
                })
            }
            kind::LOST => Self::Lost,
            kind::PONG => Self::Pong { token: read.u64()? },
            kind::ERROR => {
                let number = u16::from_be_bytes(read.array()?);
                Self::Error {
                    code: ErrorCode::from_number(number).ok_or(Malformed::Value(kind::ERROR))?,
                    message: std::str::from_utf8(read.rest()).map_err(|_| Malformed::Value(kind::ERROR))?,
                }
            }
            other => return Err(Malformed::Kind(other)),
        };
        read.end().map(|()| frame)
    }
}

struct Reader<'a> {
    kind: u8,
    length: usize,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn new(message: &'a [u8]) -> Result<Self, Malformed> {
        let (kind, rest) = message.split_first().ok_or(Malformed::Empty)?;
        Ok(Self {
            kind: *kind,
            length: message.len(),
            rest,
        })
    }

    fn wrong_length(&self) -> Malformed {
        Malformed::Length {
            kind: self.kind,
            length: self.length,
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| self.wrong_length())?;
        self.rest = rest;
        Ok(*array)
    }

    fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    fn size(&mut self) -> Result<Size, Malformed> {
        Ok(Size {
            cols: u16::from_be_bytes(self.array()?),
            rows: u16::from_be_bytes(self.array()?),
        })
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// The terminal bytes of a frame, which are never none and never too many.
    fn chunk(&mut self) -> Result<&'a [u8], Malformed> {
        if self.rest.is_empty() || self.rest.len() > CHUNK_BYTES_MAX {
            return Err(self.wrong_length());
        }
        Ok(self.rest())
    }

    fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.wrong_length())
        }
    }
}
