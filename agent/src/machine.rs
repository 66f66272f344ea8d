//! What the agent runs on, and how busy that is.

use std::fs;
use std::path::Path;

use sam_contract::agent::PROTOCOL;
use sam_contract::agent::enrol::Machine;
use sam_contract::agent::observed::Load;

/// What the agent runs on.
pub(crate) fn machine() -> Machine {
    let uname = rustix::system::uname();
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    Machine {
        hostname: uname.nodename().to_string_lossy().into_owned(),
        os: "linux".to_owned(),
        arch: arch.to_owned(),
        distribution: distribution(&fs::read_to_string("/etc/os-release").unwrap_or_default()),
        kernel: uname.release().to_string_lossy().into_owned(),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: PROTOCOL,
    }
}

fn distribution(os_release: &str) -> String {
    let line = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    line.unwrap_or_default().trim_matches('"').to_owned()
}

/// How busy the machine is; `docker` and `git` are their versions. `disk` is a folder on the disk that counts.
pub(crate) fn load(disk: &Path, docker: Option<String>, git: Option<String>) -> Load {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (memory_total, memory_used) = memory(&read("/proc/meminfo"));
    let first = |text: &str| text.split_ascii_whitespace().next().and_then(|n| n.parse::<f64>().ok());
    let mut load = Load {
        cpus: std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX)),
        load1: first(&read("/proc/loadavg")).unwrap_or_default(),
        memory_total,
        memory_used,
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an uptime is whole and positive"
        )]
        uptime_s: first(&read("/proc/uptime")).unwrap_or_default().max(0.0) as u64,
        docker,
        git,
        ..Load::default()
    };
    if let Ok(disk) = rustix::fs::statvfs(disk) {
        load.disk_total = disk.f_blocks.saturating_mul(disk.f_frsize);
        // What root keeps for itself counts as used: nobody else can have it.
        load.disk_used = load
            .disk_total
            .saturating_sub(disk.f_bavail.saturating_mul(disk.f_frsize));
    }
    load
}

fn memory(meminfo: &str) -> (u64, u64) {
    let field = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|rest| {
            rest.trim_start_matches(':')
                .split_ascii_whitespace()
                .next()?
                .parse::<u64>()
                .ok()
        });
        kib.unwrap_or_default().saturating_mul(1024)
    };
    let total = field("MemTotal");
    (total, total.saturating_sub(field("MemAvailable")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_numbers() {
        let load = load(Path::new("/"), None, None);
        assert!(load.cpus >= 1 && load.memory_total > load.memory_used && load.memory_used > 0);
        assert!(load.disk_total >= load.disk_used && load.disk_used > 0 && load.uptime_s > 0);
        assert_eq!(machine().os, "linux");
    }

    #[test]
    fn texts_are_read() {
        assert_eq!(
            distribution("ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 13\"\n"),
            "Debian GNU/Linux 13"
        );
        assert_eq!(
            memory("MemTotal: 100 kB\nMemFree: 1 kB\nMemAvailable:   40 kB\n"),
            (102_400, 61_440)
        );
        assert_eq!(memory(""), (0, 0));
    }
}
