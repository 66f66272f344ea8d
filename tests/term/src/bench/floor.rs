//! The raw PTY: what the kernel can do without any of us.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command};
use std::time::Instant;

use anyhow::Result;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

/// A program on a terminal, and our side of it.
pub(super) struct Raw {
    terminal: File,
    child: Child,
}

impl Raw {
    pub(super) fn start(argv: &[&str]) -> Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let theirs = ioctl_tiocgptpeer(&ours, flags)?;
        let mut words = argv.iter();
        let mut command = Command::new(words.next().copied().unwrap_or("true"));
        command
            .args(words)
            .stdin(theirs.try_clone()?)
            .stdout(theirs.try_clone()?)
            .stderr(theirs);
        Ok(Self {
            terminal: ours.into(),
            child: command.spawn()?,
        })
    }

    /// Seconds from writing a byte to reading its echo.
    pub(super) fn echo(&mut self) -> Result<f64> {
        let began = Instant::now();
        self.terminal.write_all(b"x")?;
        let mut byte = [0; 16];
        let _read = self.terminal.read(&mut byte)?;
        Ok(began.elapsed().as_secs_f64())
    }

    /// Finishes a line.
    pub(super) fn enter(&mut self) -> Result<()> {
        Ok(self.terminal.write_all(b"\n")?)
    }

    /// Reads until the program ended; returns how many bytes came.
    pub(super) fn read_all(&mut self) -> Result<u64> {
        let mut buffer = vec![0; 64 * 1024];
        let mut total = 0;
        // The terminal says EIO once its last user is gone.
        while let Ok(read @ 1..) = self.terminal.read(&mut buffer) {
            total += read as u64;
        }
        Ok(total)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
