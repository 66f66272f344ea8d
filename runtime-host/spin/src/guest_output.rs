//! A guest's standard output and error, as log lines with component and request id.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::instance::Occupancy;

/// A longer line is logged in pieces of this size: one guest must not fill the log's memory with one line.
const LINE_BYTES_MAX: usize = 4 << 10;

/// What a guest may write at once.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// Which of the two streams.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// One of an instance's output streams; clones write to the same line.
#[derive(Clone)]
pub(crate) struct GuestOutput {
    stream: Stream,
    component: Arc<str>,
    occupancy: Arc<Occupancy>,
    line: Arc<Mutex<Vec<u8>>>,
}

impl GuestOutput {
    pub(crate) fn new(stream: Stream, component: &Arc<str>, occupancy: &Arc<Occupancy>) -> Self {
        Self {
            stream,
            component: Arc::clone(component),
            occupancy: Arc::clone(occupancy),
            line: Arc::default(),
        }
    }

    fn append(&self, bytes: &[u8]) {
        split_lines(&mut self.line(), bytes, |line| self.log(line));
    }

    fn log(&self, line: &[u8]) {
        let scope = self.occupancy.scope();
        let request_id = scope.as_ref().map(|scope| scope.id());
        let line = String::from_utf8_lossy(line);
        match self.stream {
            Stream::Stdout => tracing::info!(component = &*self.component, request_id, stream = "stdout", "{line}"),
            Stream::Stderr => tracing::info!(component = &*self.component, request_id, stream = "stderr", "{line}"),
        }
    }

    fn line(&self) -> MutexGuard<'_, Vec<u8>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds `bytes` to `line` and hands out what is complete: at a newline, or at [`LINE_BYTES_MAX`].
fn split_lines(line: &mut Vec<u8>, bytes: &[u8], mut complete: impl FnMut(&[u8])) {
    for part in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (part, ended) = part.strip_suffix(b"\n").map_or((part, false), |part| (part, true));
        for piece in part.chunks(LINE_BYTES_MAX) {
            if line.len() + piece.len() > LINE_BYTES_MAX {
                complete(line);
                line.clear();
            }
            line.extend_from_slice(piece);
        }
        if ended {
            complete(line.strip_suffix(b"\r").unwrap_or(line));
            line.clear();
        }
    }
}

/// A guest that dies in the middle of a line has often just said why.
impl Drop for GuestOutput {
    fn drop(&mut self) {
        if Arc::strong_count(&self.line) == 1 && !self.line().is_empty() {
            self.append(b"\n");
        }
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for GuestOutput {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.append(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestOutput {
    async fn ready(&mut self) {}
}

impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_become_lines() {
        let long = "x".repeat(LINE_BYTES_MAX + 1);
        for (writes, expect) in [
            (vec!["a\nb\n"], vec!["a", "b"]),
            (vec!["a", "b\r\n", "c"], vec!["ab"]),
            (vec!["\n"], vec![""]),
            (vec![&long, "\n"], vec![&long[..LINE_BYTES_MAX], "x"]),
        ] {
            let mut line = Vec::new();
            let mut lines = Vec::new();
            for write in writes {
                split_lines(&mut line, write.as_bytes(), |line| {
                    lines.push(String::from_utf8(line.to_vec()).unwrap())
                });
            }
            assert_eq!(lines, expect);
        }
    }
}
