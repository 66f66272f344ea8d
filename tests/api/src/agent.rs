//! An agent as the control plane sees it: it joins, signs, asks and tells, and runs nothing.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Client};

/// A machine with a key of its own.
#[derive(Clone)]
pub struct FakeAgent {
    client: Client,
    key: SigningKey,
    /// Its node, once it joined.
    pub node: String,
    /// Of its process, once it began.
    pub epoch: i64,
    /// Of its last report.
    pub seq: i64,
    /// By how many seconds its clock is ahead, as far as it does not know better.
    pub ahead_s: i64,
}

impl FakeAgent {
    /// A machine that has not joined.
    pub fn new(client: Client) -> Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).context("random bytes")?;
        Ok(Self {
            client: client.with_origin(None),
            key: SigningKey::from_bytes(&seed),
            node: String::new(),
            epoch: 0,
            seq: 0,
            ahead_s: 0,
        })
    }

    /// Redeems a token.
    pub async fn enrol(&mut self, token: &str) -> Result<Answer> {
        let key = Base64UrlUnpadded::encode_string(self.key.verifying_key().as_bytes());
        let body = json!({"token": token, "public_key": key, "machine": machine()});
        let answer = self.client.post("/api/agent/v1/enrol", &body).await?;
        if answer.status == 200 {
            let joined: Value = serde_json::from_str(&answer.text)?;
            self.node = joined["node_id"].as_str().context("no node id")?.to_owned();
        }
        Ok(answer)
    }

    /// A machine of `owner` that has joined, begun and reported.
    pub async fn joined(owner: &Client, name: &str) -> Result<Self> {
        let made = owner.post("/api/nodes", &json!({"name": name})).await?.expect(201)?;
        let mut agent = Self::new(owner.without_cookie())?;
        let token = made["token"].as_str().context("no token")?;
        agent.enrol(token).await?.expect(200)?;
        agent.begin().await?;
        agent.observe(&[]).await?.expect(200)?;
        Ok(agent)
    }

    /// Begins a process.
    pub async fn begin(&mut self) -> Result<()> {
        let body = json!({"machine": machine()});
        let started = self.post("/api/agent/v1/start", &body).await?.expect(200)?;
        self.epoch = started["epoch"].as_i64().context("no epoch")?;
        self.seq = 0;
        Ok(())
    }

    /// Reports.
    pub async fn observe(&mut self, workspaces: &[Value]) -> Result<Answer> {
        self.seq += 1;
        self.report(self.seq, workspaces, 1.5).await
    }

    /// Reports under a number of its choice.
    pub async fn report(&self, seq: i64, workspaces: &[Value], load1: f64) -> Result<Answer> {
        let body = json!({
            "epoch": self.epoch, "seq": seq, "generation": 0, "machine": machine(), "warm": 1,
            "load": {"cpus": 4, "load1": load1, "memory_total": 8_000_000_000_u64}, "workspaces": workspaces,
        });
        self.send(Method::PUT, "/api/agent/v1/observed", "", Some(&body)).await
    }

    /// Asks what is wanted.
    pub async fn desired(&self, have: Option<i64>) -> Result<Value> {
        let have = have.map(|have| format!("&have={have}")).unwrap_or_default();
        let query = format!("?epoch={}{have}", self.epoch);
        let asked = self.send(Method::GET, "/api/agent/v1/desired", &query, None).await?;
        asked.expect(200)
    }

    /// Tells something.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(Method::POST, path, "", Some(body)).await
    }

    /// Any request, signed.
    pub async fn send(&self, method: Method, path: &str, query: &str, body: Option<&Value>) -> Result<Answer> {
        let signed = self.client.with_bearer(&self.token(method.as_str(), path)?);
        signed.send(method, &format!("{path}{query}"), body).await
    }

    /// A token for one request.
    pub fn token(&self, method: &str, path: &str) -> Result<String> {
        let now_s = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())? + self.ahead_s;
        let part = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
        let header = part(&json!({"alg": "EdDSA", "typ": "sam-agent+jwt"}));
        let claims = json!({"sub": self.node, "iat": now_s, "exp": now_s + 60, "htm": method, "htp": path});
        let signed = format!("{header}.{}", part(&claims));
        let signature = Base64UrlUnpadded::encode_string(&self.key.sign(signed.as_bytes()).to_bytes());
        Ok(format!("{signed}.{signature}"))
    }
}

fn machine() -> Value {
    json!({"hostname": "fake", "os": "linux", "arch": "amd64", "agent_version": "0.1.0", "protocol": 1})
}
