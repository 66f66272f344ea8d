//! `cargo xtask gen`: what is derived from something else, and where from.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::{cargo, npm, root, step};

/// WIT packages that our worlds import, taken from the published crate that ships them, so that they are
/// never edited here: (crate, folder inside its `wit/deps`).
const WIT_PACKAGES: &[(&str, &str)] = &[("spin-sdk", "spin-variables@3.0.0")];

pub(crate) fn run() -> Result<()> {
    wit_dependencies()?;
    let mut golden = cargo();
    golden
        .args(["test", "--quiet", "--package", "sam-contract"])
        .env("INSTA_UPDATE", "always");
    step("write the OpenAPI document", &mut golden)?;
    let mut docs = cargo();
    docs.args(["test", "--quiet", "--package", "sam-tests-tidy", "settings::"])
        .env("UPDATE_DOCS", "1");
    step("write docs/settings.md", &mut docs)?;
    let web = root().join("web");
    crate::build::node_modules(&web)?;
    step("write the TypeScript types", npm(&web).args(["run", "--silent", "gen"]))
}

/// Copies the WIT packages into `wit/deps`, which is not committed. Does nothing when they are there.
pub(crate) fn wit_dependencies() -> Result<()> {
    let deps = root().join("wit/deps");
    if WIT_PACKAGES.iter().all(|(_, folder)| deps.join(folder).is_dir()) {
        return Ok(());
    }
    for (package, folder) in WIT_PACKAGES {
        let from = package_folder(package)?.join("wit/deps").join(folder);
        copy_folder(&from, &deps.join(folder))?;
    }
    Ok(())
}

/// The unpacked source of a dependency, as cargo resolved it.
fn package_folder(name: &str) -> Result<PathBuf> {
    let out = cargo()
        .args(["metadata", "--format-version", "1", "--locked"])
        .output()
        .context("running cargo metadata")?;
    if !out.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&out.stderr));
    }
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout).context("reading cargo metadata")?;
    let packages = metadata
        .get("packages")
        .and_then(|p| p.as_array())
        .map(Vec::as_slice)
        .unwrap_or_default();
    let found = packages
        .iter()
        .find(|package| package.get("name").and_then(|n| n.as_str()) == Some(name));
    let manifest = found
        .and_then(|package| package.get("manifest_path"))
        .and_then(|path| path.as_str());
    let Some(folder) = manifest.and_then(|path| Path::new(path).parent()) else {
        bail!("`{name}` is not among the dependencies of this workspace");
    };
    Ok(folder.to_path_buf())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).with_context(|| format!("copying to {}", target.display()))?;
        }
    }
    Ok(())
}
