//! Building each part, only when it is stale. Cargo knows that for Rust; for the web app we compare times.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::need;
use crate::process::{cargo, npm, root, step, target_dir};

/// How the native host is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Optimised dependencies, lightly optimised own code: the everyday build.
    Dev,
    /// Everything optimised: for measuring and for use.
    Release,
}

impl Profile {
    /// Cargo's folder for it.
    pub(crate) const fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}

/// Everything `spin.toml` names, in one cargo call so that shared dependencies are built once.
pub(crate) fn components() -> Result<()> {
    need::wasm_target()?;
    crate::gen_files::wit_dependencies()?;
    let mut build = cargo();
    build.args(["build", "--release", "--target", need::WASM_TARGET]);
    for package in component_packages()? {
        build.args(["--package", &package]);
    }
    step("build the components", &mut build)
}

/// The small components that the host's own tests run.
pub(crate) fn guests() -> Result<()> {
    need::wasm_target()?;
    let mut build = cargo();
    build.args([
        "build",
        "--release",
        "--target",
        need::WASM_TARGET,
        "--package",
        "sam-tests-guests",
        "--examples",
    ]);
    step("build the test guests", &mut build)
}

/// All native tests, and with them the host's binary, whose path it returns.
///
/// Not [`host`]: tests ask more features of shared dependencies than the host alone does, so building that first
/// would compile wasmtime twice.
pub(crate) fn tests() -> Result<PathBuf> {
    step("build the host and the tests", cargo().args(["test", "--no-run"]))?;
    Ok(target_dir().join("debug").join("sam-host"))
}

/// The host's binary; returns its path.
pub(crate) fn host(profile: Profile) -> Result<PathBuf> {
    let mut build = cargo();
    // All default members, so that features do not depend on which part is built, and wasmtime is compiled once.
    build.arg("build");
    if profile == Profile::Release {
        build.arg("--release");
    }
    step("build the host", &mut build)?;
    Ok(target_dir().join(profile.folder()).join("sam-host"))
}

/// The web app, when a source is newer than what was built.
pub(crate) fn web() -> Result<()> {
    need::node()?;
    let web = root().join("web");
    node_modules(&web)?;
    let built = web.join("dist/index.html");
    let sources = ["src", "public", "index.html", "package.json", "vite.config.ts"];
    let newest = sources.iter().filter_map(|name| newest(&web.join(name))).max();
    if modified(&built).is_some_and(|built| newest.is_none_or(|source| source <= built)) {
        return Ok(());
    }
    step("build the web app", npm(&web).args(["run", "--silent", "build"]))
}

/// `npm ci` when the lock file is newer than the last installation.
pub(crate) fn node_modules(folder: &Path) -> Result<()> {
    let installed = modified(&folder.join("node_modules/.package-lock.json"));
    let locked = modified(&folder.join("package-lock.json"));
    if installed.is_some() && installed >= locked {
        return Ok(());
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    step(
        &format!("install npm packages of {name}"),
        npm(folder).args(["ci", "--no-progress"]),
    )
}

/// Package names of the components: each folder of `components/` but `lib`.
pub(crate) fn component_packages() -> Result<Vec<String>> {
    let folder = root().join("components");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let manifest = entry?.path().join("Cargo.toml");
        let Ok(text) = fs::read_to_string(&manifest) else {
            continue;
        };
        let parsed: toml::Table = text
            .parse()
            .with_context(|| format!("reading {}", manifest.display()))?;
        let Some(name) = parsed
            .get("package")
            .and_then(|p| p.get("name"))
            .and_then(|n| n.as_str())
        else {
            bail!("{} has no package name", manifest.display());
        };
        names.push(name.to_owned());
    }
    names.sort();
    Ok(names)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

fn newest(path: &Path) -> Option<SystemTime> {
    let own = modified(path)?;
    let Ok(entries) = fs::read_dir(path) else {
        return Some(own);
    };
    entries
        .flatten()
        .filter_map(|entry| newest(&entry.path()))
        .max()
        .map_or(Some(own), |inner| Some(inner.max(own)))
}
