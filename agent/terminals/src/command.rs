//! A command in the workspace, run to its end over pipes: boot steps, git inside a container.

use std::time::Duration;

use sam_contract::terminal::ExitStatus;
use sam_supervisor::protocol::{
    Attach, Channel, Exit, INPUT_WINDOW_BYTES, OUTPUT_BYTES_MAX, Reply, Request, Start, Stream, User,
};
use tokio::time::timeout;

use crate::supervisor::{Connection, Replies, Requests, unexpected};
use crate::terminals::exit_status;
use crate::{TerminalError, Terminals};

/// How far output may run ahead of us.
const WINDOW_BYTES: usize = 4 * OUTPUT_BYTES_MAX;

/// What to run.
#[derive(Debug, Clone)]
pub struct Command {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Working folder; empty means the supervisor's.
    pub cwd: String,
    /// Added to the supervisor's environment.
    pub env: Vec<(String, String)>,
    /// Who it runs as; without, as the supervisor.
    pub user: Option<User>,
    /// After this it is ended.
    pub timeout: Duration,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// The first bytes of standard output.
    pub stdout: Vec<u8>,
    /// The first bytes of standard error.
    pub stderr: Vec<u8>,
}

impl Terminals {
    /// Runs a command with `input` as its standard input. Output beyond `output_bytes_max` per stream is read and dropped.
    pub async fn run(
        &self,
        command: &Command,
        input: &[u8],
        output_bytes_max: usize,
    ) -> Result<Finished, TerminalError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| TerminalError::Unreachable(std::io::Error::other(error)))?;
        let id = format!("run-{:032x}", u128::from_be_bytes(random));
        let start = Start {
            id: id.clone(),
            meta: String::new(),
            argv: command.argv.clone(),
            cwd: command.cwd.clone(),
            env: command.env.clone(),
            user: command.user,
            channel: Channel::Pipes { lossless: true },
        };
        self.start(start).await?;
        let finished = timeout(command.timeout, self.follow(&id, random, input, output_bytes_max)).await;
        self.remove(id).await?;
        finished.map_err(|_| TerminalError::TimedOut(command.timeout))?
    }

    async fn follow(
        &self,
        id: &str,
        writer: [u8; 16],
        input: &[u8],
        output_bytes_max: usize,
    ) -> Result<Finished, TerminalError> {
        let attach = |stream, writer| Attach {
            id: id.to_owned(),
            stream,
            from: 0,
            window: u32::try_from(WINDOW_BYTES).unwrap_or(u32::MAX),
            writer,
            pace: false,
            consume: true,
        };
        let mut out = Connection::open(self.socket()).await?;
        out.attach(attach(Stream::Out, Some(writer))).await?;
        let mut err = Connection::open(self.socket()).await?;
        err.attach(attach(Stream::Err, None)).await?;
        let (out, err) = tokio::try_join!(
            collect(out.requests, out.replies, Some(input), output_bytes_max),
            collect(err.requests, err.replies, None, output_bytes_max),
        )?;
        Ok(Finished {
            status: exit_status(out.1),
            stdout: out.0,
            stderr: err.0,
        })
    }
}

/// Reads one stream to its end; gives `input` as there is room.
async fn collect(
    mut requests: Requests,
    mut replies: Replies,
    input: Option<&[u8]>,
    bytes_max: usize,
) -> Result<(Vec<u8>, Exit), TerminalError> {
    let mut kept = Vec::new();
    let mut sent = 0;
    let mut end_told = input.is_none();
    let input = input.unwrap_or_default();
    let mut acknowledged = 0;
    loop {
        while sent < input.len() && sent - acknowledged < INPUT_WINDOW_BYTES {
            let most = (INPUT_WINDOW_BYTES - (sent - acknowledged)).min(OUTPUT_BYTES_MAX);
            let bytes = input.get(sent..input.len().min(sent + most)).unwrap_or_default();
            let offset = sent as u64;
            requests.send(&Request::Input { offset, bytes }).await?;
            sent += bytes.len();
        }
        if sent == input.len() && !end_told {
            end_told = true;
            let offset = sent as u64;
            requests.send(&Request::EndInput { offset }).await?;
        }
        let done_with = match replies.next().await? {
            Reply::Output { offset, bytes } => {
                let room = bytes_max.saturating_sub(kept.len()).min(bytes.len());
                kept.extend_from_slice(bytes.get(..room).unwrap_or_default());
                offset + bytes.len() as u64
            }
            Reply::InputAck { offset } => {
                acknowledged = usize::try_from(offset).unwrap_or(usize::MAX).min(sent);
                continue;
            }
            Reply::Exited(exit) => return Ok((kept, exit)),
            other => return Err(unexpected(other)),
        };
        requests.send(&Request::Ack { offset: done_with }).await?;
    }
}
