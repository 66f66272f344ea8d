//! The agent's binaries, as `spin.toml` mounts them: `/agent/<os>-<arch>/sam-agent`, with `sam-agent.sha256` beside
//! each. The supervisor is inside the file, so that one download and one digest are all there is.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sam_contract::http::nodes::AgentBinary;
use sha2::{Digest, Sha256};

/// Where `spin.toml` mounts them.
const MOUNT: &str = "/agent";

/// What there may be: a name that is not here is not looked for.
const SYSTEMS: [&str; 1] = ["linux"];
const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];
const FILE: &str = "sam-agent";

/// Bytes that are read at once.
pub(crate) const PIECE_BYTES: usize = 64 * 1024;

/// Whether there could be such a file.
pub(crate) fn is_known(os: &str, arch: &str) -> bool {
    SYSTEMS.contains(&os) && ARCHITECTURES.contains(&arch)
}

fn path(folder: &Path, os: &str, arch: &str) -> PathBuf {
    folder.join(format!("{os}-{arch}")).join(FILE)
}

/// Opens a file, with its length.
pub(crate) fn open(os: &str, arch: &str) -> Option<(File, u64)> {
    if !is_known(os, arch) {
        return None;
    }
    let opened = File::open(path(Path::new(MOUNT), os, arch)).ok()?;
    let meta = opened.metadata().ok().filter(fs::Metadata::is_file)?;
    Some((opened, meta.len()))
}

/// What can be downloaded. Looked at once per instance: the files change with an upgrade, which starts new ones.
pub(crate) fn all() -> &'static [AgentBinary] {
    static ALL: OnceLock<Vec<AgentBinary>> = OnceLock::new();
    ALL.get_or_init(|| find(Path::new(MOUNT)))
}

fn find(folder: &Path) -> Vec<AgentBinary> {
    let mut found = Vec::new();
    for os in SYSTEMS {
        for arch in ARCHITECTURES {
            let path = path(folder, os, arch);
            let Some(meta) = fs::metadata(&path).ok().filter(fs::Metadata::is_file) else {
                continue;
            };
            let Some(sha256) = digest(&path) else { continue };
            found.push(AgentBinary {
                os: os.to_owned(),
                arch: arch.to_owned(),
                sha256,
                bytes: meta.len(),
            });
        }
    }
    found
}

/// What whoever built the file wrote beside it, else what the file says.
fn digest(path: &Path) -> Option<String> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".sha256");
    let written = fs::read_to_string(beside).ok();
    let word = written.as_deref().and_then(|text| text.split_whitespace().next());
    let is_hex = |word: &&str| word.len() == 64 && word.bytes().all(|c| c.is_ascii_hexdigit());
    if let Some(word) = word.filter(is_hex) {
        return Some(word.to_ascii_lowercase());
    }
    let mut file = File::open(path).ok()?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece).ok()? {
            0 => break,
            n => hash.update(piece.get(..n)?),
        }
    }
    Some(hex(&hash.finalize()))
}

/// In hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digests of all binaries as `sha256sum` writes them; what the printed command vouches for.
pub(crate) fn sums(binaries: &[AgentBinary]) -> String {
    let line = |one: &AgentBinary| format!("{}  {}-{}\n", one.sha256, one.os, one.arch);
    binaries.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_built_is_offered() {
        let folder = std::env::temp_dir().join(format!("sam-nodes-binaries-{}", std::process::id()));
        let put = |arch: &str, name: &str, content: &str| {
            let place = folder.join(format!("linux-{arch}"));
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join(name), content).unwrap();
        };
        put("amd64", "sam-agent", "abc");
        put("arm64", "sam-agent", "x");
        put(
            "arm64",
            "sam-agent.sha256",
            &format!("{}  sam-agent\n", "0A".repeat(32)),
        );
        put("riscv64", "sam-agent", "x");
        let found = find(&folder);
        fs::remove_dir_all(&folder).unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            sums(&found),
            format!("{abc}  linux-amd64\n{}  linux-arm64\n", "0a".repeat(32))
        );
        assert_eq!(found[0].bytes, 3);
    }

    #[test]
    fn names_lead_nowhere_else() {
        assert!(is_known("linux", "arm64"));
        for (os, arch) in [
            ("..", "amd64"),
            ("linux", "amd64/.."),
            ("linux", ""),
            ("darwin", "arm64"),
        ] {
            assert!(!is_known(os, arch));
        }
    }
}
