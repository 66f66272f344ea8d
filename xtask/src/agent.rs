//! The agent as this control plane hands it out: one file for each machine, in `target/agent`, which `spin.toml` mounts.
//!
//! The file is the agent's binary with the supervisor's appended, so that one download and one digest are all there is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::build::Profile;
use crate::need;
use crate::process::{cargo, root, step, target_dir};

/// Ends an agent's file that has a supervisor appended; before it stands the supervisor's length, eight bytes, little-endian.
const TRAILER: &[u8; 8] = b"SAMSUPV1";

/// Image of workspaces that name none.
const BASE_IMAGE: &str = "sam-workspace:latest";

/// Builds the supervisor, which is static; returns its path.
pub(crate) fn supervisor() -> Result<PathBuf> {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    need::rust_target(&target)?;
    let mut build = cargo();
    build.args([
        "build",
        "--package",
        "sam-supervisor",
        "--profile",
        "supervisor",
        "--target",
        &target,
    ]);
    step("build the supervisor", &mut build)?;
    Ok(target_dir().join(target).join("supervisor/sam-supervisor"))
}

/// Puts the supervisor behind the agent of this build; returns the file.
pub(crate) fn stage(profile: Profile, supervisor: &Path) -> Result<PathBuf> {
    let arch = std::env::consts::ARCH;
    let supervisor = read(supervisor)?;
    let agent = read(&target_dir().join(profile.folder()).join("sam-agent"))?;
    let mut file = agent;
    file.extend_from_slice(&supervisor);
    file.extend_from_slice(&(supervisor.len() as u64).to_le_bytes());
    file.extend_from_slice(TRAILER);

    let folder = root().join("target/agent").join(format!("linux-{}", debian_name(arch)));
    let path = folder.join("sam-agent");
    if fs::read(&path).is_ok_and(|there| there == file) {
        return Ok(path);
    }
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    // Never half a file under the name, and never a file that a running agent has open.
    let new = folder.join(".sam-agent.new");
    fs::write(&new, &file).with_context(|| format!("writing {}", new.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755))?;
    }
    fs::rename(&new, &path)?;
    fs::write(
        folder.join("sam-agent.sha256"),
        format!("{}\n", hex(&Sha256::digest(&file))),
    )?;
    Ok(path)
}

/// The base image of workspaces, where a Docker engine answers; a machine without one keeps workspaces apart as processes.
pub(crate) fn base_image() -> Result<()> {
    let answers = need::output("docker", &["version", "--format", "{{.Server.Version}}"]).is_some();
    if !answers {
        eprintln!(
            "▸ no Docker engine answers: workspaces will be plain processes (apt-get install docker.io adds one)"
        );
        return Ok(());
    }
    let script = root().join("deploy/workspace-image/build.sh");
    if need::is_root() {
        need::debian("debootstrap", "debootstrap")?;
    }
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .map(|cache| cache.join("sam"));
    let mut make = Command::new("sh");
    make.arg(script).arg(BASE_IMAGE).args(cache);
    if let Err(error) = step("the base image of workspaces", &mut make) {
        eprintln!("  {error}\n  workspaces in containers need it; plain processes work without");
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

/// As `uname -m` and Debian name it.
fn debian_name(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
