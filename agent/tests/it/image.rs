//! An image of nothing but busybox, made on the spot.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

pub(crate) const IMAGE: &str = "sam-agent-test:latest";

/// Whether containers can be tried; says so when not.
pub(crate) fn docker() -> bool {
    static MADE: OnceLock<bool> = OnceLock::new();
    *MADE.get_or_init(|| {
        if !sam_tests_term::container::docker_answers() {
            eprintln!("no Docker engine answers here: the tests of containers are left out");
            return false;
        }
        make();
        true
    })
}

fn make() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    for part in ["bin", "tmp", "root", "etc", "workspace", "proc"] {
        std::fs::create_dir_all(root.join(part)).unwrap();
    }
    let busybox = ["/bin/busybox", "/usr/bin/busybox"]
        .into_iter()
        .find(|path| Path::new(path).exists())
        .unwrap();
    std::fs::copy(busybox, root.join("bin/busybox")).unwrap();
    let applets = Command::new(busybox).arg("--list").output().unwrap();
    for applet in String::from_utf8_lossy(&applets.stdout)
        .lines()
        .filter(|name| *name != "busybox")
    {
        std::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    std::fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").unwrap();
    let tar = folder.path().join("root.tar");
    run(Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&tar).arg("."));
    run(Command::new("docker")
        .args(["import", "--change", "ENV PATH=/bin"])
        .arg(&tar)
        .arg(IMAGE));
}

pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
