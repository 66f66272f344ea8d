//! Ending processes: hang up, wait, kill. And ending the supervisor once nothing of it is left.

use std::cmp::Reverse;
use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions};

use super::{HANG_UP_GRACE, Server, Timer};
use crate::protocol::Refusal;

/// Longest shutdown: below the ten seconds that `docker stop` gives.
const STOP_MAX: Duration = Duration::from_secs(5);

impl Server {
    /// Forgets a process; ends it if it runs.
    pub(super) fn remove(&mut self, number: u64) {
        self.hang_up(number);
        let viewers = self.processes.get(&number).map(|process| process.viewers.clone());
        for viewer in viewers.unwrap_or_default() {
            self.refuse(viewer, Refusal::NotFound, "the process was removed");
        }
        if let Some(mut process) = self.processes.remove(&number) {
            process.close(&mut self.epoll);
        }
    }

    fn hang_up(&mut self, number: u64) {
        let Some(process) = self.processes.get(&number).filter(|process| process.ended.is_none()) else {
            return;
        };
        let signal = if process.is_terminal() {
            Signal::HUP
        } else {
            Signal::TERM
        };
        for group in [Some(process.pid), process.foreground_group()].into_iter().flatten() {
            signal_group(group, signal);
            // A stopped job could not act on it.
            signal_group(group, Signal::CONT);
            self.timers
                .push(Reverse((Instant::now() + HANG_UP_GRACE, Timer::Kill(group))));
        }
        self.hung_up.push(process.pid);
    }

    pub(super) fn begin_stop(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        self.stopping = Some(Instant::now() + STOP_MAX);
        for number in self.processes.keys().copied().collect::<Vec<_>>() {
            self.hang_up(number);
        }
    }

    pub(super) fn may_end(&self) -> bool {
        self.stopping.is_some_and(|deadline| {
            let quiet = self.hung_up.is_empty() && self.processes.values().all(|process| process.exit.is_some());
            quiet || Instant::now() >= deadline
        })
    }
}

/// Sends `signal` to a process group; one that is gone is not missed.
pub(super) fn signal_group(group: u32, signal: Signal) {
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        let _gone = rustix::process::kill_process_group(group, signal);
    }
}

/// Kills what is left of our children, those we inherited included. As PID 1 the kernel does that when we end.
pub fn end_descendants() {
    let me = rustix::process::getpid();
    if me.is_init() {
        return;
    }
    for _ in 0..100 {
        let children = children_of(me.as_raw_nonzero().get());
        if children.is_empty() {
            return;
        }
        for child in children {
            let _gone = rustix::process::kill_process(child, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(5));
        while matches!(rustix::process::wait(WaitOptions::NOHANG), Ok(Some(_))) {}
    }
}

/// From the fourth field of each `/proc/<pid>/stat`; the second, in parentheses, may contain anything.
fn children_of(parent: i32) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let is_child = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map(|(_, rest)| rest);
        let parent_field = after_name.and_then(|rest| rest.split_whitespace().nth(1));
        parent_field.and_then(|field| field.parse().ok()) == Some(parent)
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(is_child).filter_map(Pid::from_raw).collect()
}
