//! Output that can be checked at any offset: numbered records of 16 bytes, printed on request, so that both directions
//! are tested at once.

use anyhow::{Result, bail};
use sam_contract::terminal::Size;

use crate::client::{Event, Memory, Viewer};

/// Records printed for one line of input.
pub const RECORDS_PER_LINE: u64 = 64;

/// Bytes of one record: fourteen digits, and a line feed that the terminal makes two bytes of.
const RECORD_BYTES: u64 = 16;

/// Lines that may be asked for ahead, so that output flows while connections break.
const LINES_AHEAD: u64 = 24;

/// A script for any `/bin/sh` that reads numbered lines and answers each with records. A lost, repeated or reordered
/// line shows as a record of nines.
pub const SCRIPT: &str = "stty -echo; r=0; i=0; echo ready; while read n; do \
     if [ \"$n\" = $i ]; then i=$((i+1)); else printf '99999999999999\\n'; fi; \
     j=0; while [ $j -lt 64 ]; do printf '%014d\\n' $r; r=$((r+1)); j=$((j+1)); done; done";

/// What [`SCRIPT`] prints first.
const READY: &[u8] = b"ready\r\n";

fn expected(at: u64) -> u8 {
    let digits = format!("{:014}\r\n", at / RECORD_BYTES);
    let place = usize::try_from(at % RECORD_BYTES).unwrap_or_default();
    digits.as_bytes().get(place).copied().unwrap_or_default()
}

/// Checks `bytes` that begin at `offset` of the terminal.
pub fn check(offset: u64, bytes: &[u8]) -> Result<()> {
    for (at, byte) in (offset..).zip(bytes) {
        let wanted = match usize::try_from(at).ok().and_then(|at| READY.get(at)) {
            Some(byte) => *byte,
            None => expected(at - READY.len() as u64),
        };
        if *byte != wanted {
            bail!("byte {at} is {:?}, not {:?}", char::from(*byte), char::from(wanted));
        }
    }
    Ok(())
}

/// Watches [`SCRIPT`] over connections that break `drops` times in the middle, checking every byte and asking with
/// exactly-once input; `broken` is called at each break. Returns how many bytes were checked.
pub async fn watch(url: &str, drops: u64, mut broken: impl AsyncFnMut(u64) -> Result<String>) -> Result<u64> {
    let mut url = url.to_owned();
    let mut memory = Memory::new()?;
    let mut asked = 0;
    let mut dropped = 0;
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    loop {
        let expected_from = memory.seen;
        let (mut viewer, welcome) = Viewer::attach(&url, memory, Size::DEFAULT).await?;
        if welcome.start != expected_from {
            bail!("came back at {} instead of {expected_from}", welcome.start);
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let life = viewer.memory.seen + 1 + random % 7000;
        while viewer.memory.seen < life {
            let answered = viewer.memory.seen.saturating_sub(READY.len() as u64) / (RECORD_BYTES * RECORDS_PER_LINE);
            // Not before `ready`: until then the terminal echoes.
            while viewer.memory.seen >= READY.len() as u64 && asked < answered + LINES_AHEAD {
                viewer.input(format!("{asked}\n").as_bytes()).await?;
                asked += 1;
            }
            let at = viewer.memory.seen;
            match viewer.next().await? {
                Event::Output(bytes) => check(at, &bytes)?,
                Event::InputAck(_) | Event::Size(_) => {}
                other => bail!("unexpected {other:?} at byte {at}"),
            }
        }
        memory = viewer.drop_connection();
        if dropped == drops {
            return Ok(memory.seen);
        }
        dropped += 1;
        url = broken(dropped).await?;
    }
}
