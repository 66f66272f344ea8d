//! The script in a real shell, with a site of files and an agent that writes down what it is given.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::*;

const ARCH: &str = if cfg!(target_arch = "aarch64") {
    "arm64"
} else {
    "amd64"
};

/// A folder with fake `curl`, `id` and `systemctl` in front of the path, and a home.
struct Machine {
    root: PathBuf,
}

impl Machine {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("sam-install-{name}-{}", std::process::id()));
        let machine = Self { root };
        machine.program("id", "echo 1000");
        machine.program("systemctl", "exit 1");
        // Gives the file that the URL names.
        let site = machine.root.join("site");
        let curl = format!(
            "while [ $# -gt 0 ]; do case \"$1\" in -o) out=$2; shift 2;; http*) url=$1; shift;; *) shift;; esac; done\n\
             [ \"${{url##*/}}\" = \"download?os=linux&arch=$SAM_ARCH\" ] && cp \"{}/sam-agent\" \"$out\"",
            site.display()
        );
        machine.program("curl", &curl);
        fs::create_dir_all(&site).unwrap();
        let agent = "#!/bin/sh\nprintf '%s|' \"$@\" > \"$HOME/arguments\"\ncat > \"$HOME/token\"\n";
        fs::write(site.join("sam-agent"), agent).unwrap();
        fs::create_dir_all(machine.home()).unwrap();
        machine
    }

    fn program(&self, name: &str, body: &str) {
        let path = self.root.join("bin").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    fn sums(&self) -> String {
        let bytes = fs::read(self.root.join("site/sam-agent")).unwrap();
        format!("{}  linux-{ARCH}\n", binaries::hex(&Sha256::digest(bytes)))
    }

    fn run(&self, sums: &str, arguments: &[&str]) -> Output {
        let script = self.root.join("install.sh");
        fs::write(&script, filled("http://localhost:1", sums)).unwrap();
        Command::new("sh")
            .arg(&script)
            .args(arguments)
            .env_clear()
            .env("HOME", self.home())
            .env("SAM_ARCH", ARCH)
            .env(
                "PATH",
                format!("{}:/usr/local/bin:/usr/bin:/bin", self.root.join("bin").display()),
            )
            .output()
            .unwrap()
    }

    fn read(&self, path: impl AsRef<Path>) -> Option<String> {
        fs::read_to_string(self.home().join(path)).ok()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn a_machine_joins() {
    let machine = Machine::new("joins");
    let sums = machine.sums();
    let out = machine.run(&sums, &["--token", "t0k-en_", "--sha256", &digest(&sums)]);
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}");
    assert_eq!(machine.read("token").as_deref(), Some("t0k-en_\n"), "by standard input");
    let arguments = machine.read("arguments").unwrap();
    assert!(
        arguments.contains("|enrol|--url|http://localhost:1|--token-stdin|"),
        "{arguments}"
    );
    assert!(!arguments.contains("t0k-en_"), "{arguments}");
    assert!(said.contains("sam-agent --state-dir"), "says how to start it: {said}");
}

#[test]
fn nothing_is_installed_that_the_command_does_not_vouch_for() {
    let machine = Machine::new("vouches");
    let sums = machine.sums();
    let refused = |sums: &str, arguments: &[&str], expect: &str| {
        let out = machine.run(sums, arguments);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!out.status.success() && said.contains(expect), "{said}");
        assert_eq!(machine.read(".local/bin/sam-agent"), None);
    };
    let good = digest(&sums);
    refused(
        &sums,
        &["--token", "t", "--sha256", &"0".repeat(64)],
        "vouches for other binaries",
    );
    refused(&sums, &["--sha256", &good], "--token is missing");
    refused(&sums, &["--token", "t"], "--sha256 is missing");
    refused(&sums, &["--token"], "needs a value");
    refused("", &["--token", "t", "--sha256", &digest("")], "has no agent");
    fs::write(machine.root.join("site/sam-agent"), "changed on its way").unwrap();
    refused(
        &sums,
        &["--token", "t", "--sha256", &good],
        "not what the command vouches for",
    );
}

#[test]
fn an_address_is_text_for_the_shell() {
    for good in ["https://sam.example", "http://127.0.0.1:8787", "http://[::1]:80"] {
        assert!(is_plain(good), "{good}");
    }
    for bad in [
        "http://x'; rm -rf /; '",
        "http://x$(y)",
        "http://x`y`",
        "http://x\ny",
        "http://x y",
    ] {
        assert!(!is_plain(bad), "{bad}");
    }
}
