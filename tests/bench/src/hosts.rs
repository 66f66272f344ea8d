//! What the rows put load on, each in a process of its own.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use sam_tests_api::{Client, Host, Running, root, sam_host_command};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

/// A started server; dropping it kills it.
pub(crate) struct Server {
    _running: Running,
    _folder: TempDir,
    url: String,
}

impl Server {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// The guest of that name on `spin-host`, without edge.
pub(crate) async fn guest(name: &str) -> Result<Server> {
    let folder = tempfile::tempdir()?;
    let manifest = manifest(name, folder.path())?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("serve-manifest")
        .arg(manifest)
        .arg(folder.path().join("state"));
    server(&mut command, folder).await
}

/// The same component on `wasmtime-wasi-http` alone; none in a build without the feature `bare`.
pub(crate) async fn bare_guest(name: &str) -> Result<Option<Server>> {
    if !cfg!(feature = "bare") {
        return Ok(None);
    }
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("serve-bare").arg(wasm(name)?);
    server(&mut command, tempfile::tempdir()?).await.map(Some)
}

/// The same on upstream Spin, when `SPIN_BIN` names it.
pub(crate) async fn spin_guest(name: &str) -> Result<Option<Server>> {
    let Some(spin) = std::env::var_os("SPIN_BIN") else {
        return Ok(None);
    };
    let folder = tempfile::tempdir()?;
    let manifest = manifest(name, folder.path())?;
    let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let mut command = Command::new(spin);
    command
        .arg("up")
        .arg("--from")
        .arg(manifest)
        .args(["--listen", &address]);
    let running = Running::start(&mut command)?;
    let url = format!("http://{address}");
    let client = Client::new(&url);
    for _ in 0..300 {
        if client.get("/").await.is_ok() {
            return Ok(Some(Server {
                _running: running,
                _folder: folder,
                url,
            }));
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    bail!("upstream Spin does not answer; it said:\n{}", running.said())
}

/// The native twin over `database`.
pub(crate) async fn twin(database: &Path) -> Result<Server> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("serve-twin").arg(database);
    server(&mut command, tempfile::tempdir()?).await
}

async fn server(command: &mut Command, folder: TempDir) -> Result<Server> {
    let mut running = Running::start(command)?;
    let url = running.line("ready: ").await?;
    Ok(Server {
        _running: running,
        _folder: folder,
        url,
    })
}

fn wasm(guest: &str) -> Result<PathBuf> {
    let wasm = root().join(format!("target/wasm32-wasip2/release/examples/{guest}.wasm"));
    wasm.canonicalize()
        .with_context(|| format!("{}: run `cargo xtask bench`, which builds it", wasm.display()))
}

fn manifest(guest: &str, folder: &Path) -> Result<PathBuf> {
    let wasm = wasm(guest)?;
    let text = format!(
        "spin_manifest_version = 2\n[application]\nname = \"bench\"\n[[trigger.http]]\nroute = \"/...\"\n\
         component = \"guest\"\n[component.guest]\nsource = \"{}\"\n",
        wasm.display()
    );
    let path = folder.join("spin.toml");
    std::fs::write(&path, text)?;
    Ok(path)
}

/// The whole control plane with one user who has API tokens.
pub(crate) struct Control {
    host: Host,
    token: String,
}

impl Control {
    /// On `sam-host`.
    pub(crate) async fn start() -> Result<Self> {
        Self::fill(Host::start_sam_host().await?).await
    }

    /// On upstream Spin.
    pub(crate) async fn start_upstream() -> Result<Self> {
        Self::fill(Host::start().await?).await
    }

    async fn fill(host: Host) -> Result<Self> {
        let client = host.first_user().await?;
        let mut token = String::new();
        for n in 0..10 {
            let made = client
                .post(
                    "/api/tokens",
                    &json!({"name": format!("token {n}"), "scopes": ["read"]}),
                )
                .await?;
            let made = made.expect(201)?;
            token = made
                .get("token")
                .and_then(|t| t.as_str())
                .context("no token")?
                .to_owned();
        }
        Ok(Self { host, token })
    }

    pub(crate) fn origin(&self) -> &str {
        self.host.origin()
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The file of the core database.
    pub(crate) fn database(&self) -> PathBuf {
        self.host.data_dir().join("sqlite/default.db")
    }
}

/// Milliseconds from start to the first answer with a warm artifact cache, and resident MiB a moment later.
pub(crate) async fn warm_start() -> Result<(f64, f64)> {
    let data = tempfile::tempdir()?;
    let mut measured = (0.0, 0.0);
    // The first start makes keys and databases and fills the cache; the second is the one that counts.
    for _ in 0..2 {
        let mut command = sam_host_command()?;
        command
            .current_dir(root())
            .args(["up", "--no-open", "--no-local-node", "--manifest", "spin.toml"])
            .args(["--listen", "127.0.0.1:0"]);
        command
            .args(["--admin-listen", "127.0.0.1:0", "--data-dir"])
            .arg(data.path());
        let started = Instant::now();
        let mut running = Running::start(&mut command)?;
        let origin = running.line("ready: ").await?;
        Client::new(&origin).get("/health").await?.expect(200)?;
        let warm_ms = started.elapsed().as_secs_f64() * 1_000.0;
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        measured = (warm_ms, resident_mib(running.pid().context("the host ended")?)?);
        running.kill().await?;
    }
    Ok(measured)
}

/// Resident memory of a process.
pub(crate) fn resident_mib(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS")?;
    let kib: f64 = line
        .split_whitespace()
        .next()
        .and_then(|n| n.parse().ok())
        .context("VmRSS is no number")?;
    Ok(kib / 1024.0)
}
