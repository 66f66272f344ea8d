//! Starting upstream Spin (`SPIN_BIN`) on the same `spin.toml`: what `sam-host up` does by itself, done by hand.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::client::Client;
use crate::process::Running;
use crate::sam_host::root;

/// What the operator of another host makes with `sam-host keys init`.
pub(crate) struct Secrets {
    vault_keys: String,
    ops_token: String,
}

impl Secrets {
    pub(crate) fn new() -> Result<Self> {
        let key = || -> Result<String> {
            let mut bytes = [0_u8; 32];
            getrandom::fill(&mut bytes).context("random bytes")?;
            Ok(Base64UrlUnpadded::encode_string(&bytes))
        };
        let ring = json!({
            "seal": [{"id": "k1", "key": key()?, "active": true}],
            "sign": [{"id": "s1", "seed": key()?, "active": true}],
        });
        Ok(Self {
            vault_keys: ring.to_string(),
            ops_token: key()?,
        })
    }

    pub(crate) fn ops_token(&self) -> &str {
        &self.ops_token
    }
}

pub(crate) async fn start(secrets: &Secrets, data: &Path, address: Option<&str>) -> Result<(Running, String, String)> {
    let address = match address {
        Some(address) => address.to_owned(),
        None => TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string(),
    };
    let origin = format!("http://{address}");
    let spin = std::env::var_os("SPIN_BIN").context("SPIN_BIN names upstream Spin's binary")?;
    let mut command = Command::new(spin);
    command
        .current_dir(data)
        .arg("up")
        .arg("--from")
        .arg(root().join("spin.toml").canonicalize()?);
    command
        .args(["--listen", &address, "--state-dir"])
        .arg(data.join("spin"));
    command
        .arg("--runtime-config-file")
        .arg(root().join("deploy/runtime-config.example.toml").canonicalize()?);
    command
        .env("SPIN_VARIABLE_VAULT_KEYS", &secrets.vault_keys)
        .env("SPIN_VARIABLE_OPS_TOKEN", &secrets.ops_token);
    command.env("SPIN_VARIABLE_PUBLIC_URL", &origin);
    let running = Running::start(&mut command)?;

    let ops = Client::new(&origin).with_bearer(&secrets.ops_token);
    wait_until_it_answers(&ops, &running).await?;
    ops.post("/_work/migrate", &json!({})).await?.expect(200)?;
    let link = ops
        .post("/_work/login-link", &json!({"purpose": "first-run"}))
        .await?
        .expect(200)?;
    let token = link
        .get("token")
        .and_then(Value::as_str)
        .context("no token in the login link")?
        .to_owned();
    Ok((running, origin, token))
}

async fn wait_until_it_answers(ops: &Client, running: &Running) -> Result<()> {
    for _ in 0..600 {
        if ops.get("/.well-known/jwks.json").await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("upstream Spin does not answer; it said:\n{}", running.said())
}
