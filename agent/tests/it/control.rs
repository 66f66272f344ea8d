//! A small control plane: it keeps what agents tell it, checks their tokens, and loses and delays answers as told.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use sam_contract::agent::auth::{Claims, TOLERANCE_S};
use sam_contract::agent::desired::{
    Desired, DesiredQuery, DesiredState, DesiredWorkspace, Isolation, Limits, Repository, Warm,
};
use sam_contract::agent::enrol::{Enrol, Enrolled, Started};
use sam_contract::agent::observed::{Observed, ObservedState, ObservedTaken, ObservedWorkspace};
use sam_contract::agent::outbox::{AskCredential, Entry, GitCredential, Outbox, Step, StepStatus, Taken, What};
use sam_contract::ids::{EventId, Id, NodeId, WorkspaceId};
use serde_json::json;
use tokio::sync::watch;

/// Nothing in a test takes longer, on however busy a machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

#[derive(Clone)]
pub(crate) struct Control {
    pub addr: SocketAddr,
    inner: Arc<Mutex<Inner>>,
    changed: watch::Sender<u64>,
}

pub(crate) struct Inner {
    pub key: Option<VerifyingKey>,
    pub desired: Desired,
    pub epoch: i64,
    pub observed: Option<Observed>,
    pub reports: u32,
    pub entries: Vec<Entry>,
    seen: HashSet<EventId>,
    /// Our clock is ahead by so much.
    pub skew_ms: i64,
    /// Of a hundred requests so many are lost, and so many answers.
    pub lossy: u64,
    pub random: u64,
    /// The node was deleted.
    pub gone: bool,
    /// Events are refused with 403.
    pub refuse_events: bool,
    pub refused: u32,
    pub credential: Option<(String, String)>,
    pub asked: Vec<AskCredential>,
}

pub(crate) const TOKEN: &str = "one-time-token";

impl Control {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let control = Self {
            addr: listener.local_addr().unwrap(),
            inner: Arc::new(Mutex::new(Inner {
                key: None,
                desired: Desired {
                    generation: 1,
                    ..Desired::default()
                },
                epoch: 0,
                observed: None,
                reports: 0,
                entries: Vec::new(),
                seen: HashSet::new(),
                skew_ms: 0,
                lossy: 0,
                random: 0x9e37_79b9_7f4a_7c15,
                gone: false,
                refuse_events: false,
                refused: 0,
                credential: None,
                asked: Vec::new(),
            })),
            changed: watch::Sender::new(0),
        };
        let signed = Router::new()
            .route("/start", post(start))
            .route("/desired", get(desired))
            .route("/observed", put(observed))
            .route("/events", post(events))
            .route("/git-credential", post(credential))
            .layer(from_fn_with_state(control.clone(), guard));
        let router = Router::new()
            .route("/enrol", post(enrol))
            .merge(signed)
            .layer(from_fn_with_state(control.clone(), loss));
        let router = Router::new().nest("/api/agent/v1", router).with_state(control.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        control
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) fn node() -> NodeId {
        NodeId::from_parts(1_700_000_000_000, 7)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    fn touch(&self) {
        self.changed.send_modify(|n| *n += 1);
    }

    /// Changes what is wanted.
    pub(crate) fn want(&self, change: impl FnOnce(&mut Desired)) {
        {
            let mut inner = self.lock();
            change(&mut inner.desired);
            inner.desired.generation += 1;
        }
        self.touch();
    }

    /// Changes what is wanted of one workspace.
    pub(crate) fn wish(&self, id: WorkspaceId, change: impl FnOnce(&mut DesiredWorkspace)) {
        self.want(|desired| {
            let next = desired.generation + 1;
            let wish = desired.workspaces.iter_mut().find(|wish| wish.id == id).unwrap();
            change(wish);
            wish.generation = next;
        });
    }

    pub(crate) fn add(&self, wish: DesiredWorkspace) {
        self.want(|desired| desired.workspaces.push(wish));
    }

    /// Waits until something is so; the failure says what was last reported.
    pub(crate) async fn until<T>(&self, what: &str, found: impl Fn(&Inner) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(value) = found(&self.lock()) {
                return value;
            }
            if tokio::time::timeout_at(deadline, changed.changed()).await.is_err() {
                let inner = self.lock();
                panic!(
                    "never {what}: {:#?} {:#?}",
                    inner.observed,
                    inner.entries.iter().rev().take(4).collect::<Vec<_>>()
                );
            }
        }
    }

    /// Waits until a start of the workspace was told to have become ready so often.
    pub(crate) async fn until_ready(&self, id: WorkspaceId, times: usize) {
        let ready = |entry: &&Entry| match &entry.what {
            What::Step(step) => step.workspace == id && step.name == "ready" && step.status == StepStatus::Done,
            What::Unknown => false,
        };
        self.until("ready", |inner| {
            (inner.entries.iter().filter(ready).count() >= times).then_some(())
        })
        .await;
    }

    pub(crate) async fn until_state(&self, id: WorkspaceId, state: ObservedState) -> ObservedWorkspace {
        self.until(&format!("{state:?}"), |inner| {
            let wish = inner.desired.workspaces.iter().find(|wish| wish.id == id);
            let observed = inner.observed.as_ref()?.workspaces.iter().find(|w| w.id == id)?;
            let current =
                wish.is_none_or(|wish| observed.generation == wish.generation && observed.attempt == wish.attempt);
            (observed.state == state && current).then(|| observed.clone())
        })
        .await
    }

    pub(crate) fn steps(&self, id: WorkspaceId, attempt: i64) -> Vec<Step> {
        let inner = self.lock();
        let steps = inner.entries.iter().filter_map(|entry| match &entry.what {
            What::Step(step) if step.workspace == id && step.attempt == attempt => Some(step.clone()),
            _ => None,
        });
        steps.collect()
    }
}

/// A wish for a running workspace of plain processes.
pub(crate) fn wish(n: u128, repository: Option<&std::path::Path>) -> DesiredWorkspace {
    DesiredWorkspace {
        id: WorkspaceId::from_parts(1_700_000_000_000, n),
        generation: 1,
        attempt: 1,
        rebuild: false,
        state: DesiredState::Running,
        name: format!("Test {n}"),
        repository: repository.map(|path| Repository {
            url: path.to_str().unwrap().to_owned(),
            branch: None,
            shallow: false,
            has_credential: false,
        }),
        isolation: Some(Isolation::Process),
        image: None,
        limits: Limits::default(),
    }
}

pub(crate) fn warm(containers: u32) -> Warm {
    Warm {
        containers,
        image: None,
    }
}

fn now_ms(inner: &Inner) -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap() + inner.skew_ms
}

fn refusal(status: StatusCode, code: &str, details: &serde_json::Value) -> Response {
    (
        status,
        Json(json!({ "error": code, "message": "refused by the test", "details": details })),
    )
        .into_response()
}

/// Loses requests and answers, and delays both, so that they overtake each other.
async fn loss(State(control): State<Control>, request: Request, next: Next) -> Response {
    let (lose_request, lose_answer, delay) = {
        let mut inner = control.lock();
        let mut roll = || {
            inner.random ^= inner.random << 13;
            inner.random ^= inner.random >> 7;
            inner.random ^= inner.random << 17;
            inner.random % 100
        };
        let (a, b, c) = (roll(), roll(), roll());
        (a < inner.lossy, b < inner.lossy, if inner.lossy > 0 { c } else { 0 })
    };
    tokio::time::sleep(Duration::from_millis(delay)).await;
    if lose_request {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let answer = next.run(request).await;
    if lose_answer {
        StatusCode::BAD_GATEWAY.into_response()
    } else {
        answer
    }
}

async fn guard(State(control): State<Control>, headers: HeaderMap, request: Request, next: Next) -> Response {
    let checked = {
        let inner = control.lock();
        let now = now_ms(&inner);
        check(&inner, &headers, request.method().as_str(), request.uri().path(), now).map_err(|why| {
            let details = json!({ "server_time": now, "gone": inner.gone });
            (why, details)
        })
    };
    match checked {
        Ok(()) => next.run(request).await,
        Err((why, details)) => {
            let mut answer = refusal(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", &details);
            answer.headers_mut().insert("x-why", why.parse().unwrap());
            answer
        }
    }
}

fn check(inner: &Inner, headers: &HeaderMap, method: &str, path: &str, now: i64) -> Result<(), &'static str> {
    let key = inner.key.ok_or("no key")?;
    let header = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .ok_or("no token")?;
    let token = header.strip_prefix("Bearer ").ok_or("no bearer")?;
    let (signed, signature) = token.rsplit_once('.').ok_or("no signature")?;
    let signature = Base64UrlUnpadded::decode_vec(signature).map_err(|_| "encoding")?;
    let signature = Signature::from_slice(&signature).map_err(|_| "length")?;
    key.verify(signed.as_bytes(), &signature).map_err(|_| "signature")?;
    let claims = Base64UrlUnpadded::decode_vec(signed.split_once('.').ok_or("claims")?.1).map_err(|_| "encoding")?;
    let claims: Claims = serde_json::from_slice(&claims).map_err(|_| "claims")?;
    // The layer sits below the nesting, where the prefix is gone.
    let fits =
        claims.htm == method && claims.htp == format!("/api/agent/v1{}", path.trim_start_matches("/api/agent/v1"));
    let fresh = claims.iat - TOLERANCE_S <= now / 1000 && now / 1000 <= claims.exp + TOLERANCE_S;
    if inner.gone {
        return Err("gone");
    }
    if !fits {
        return Err("another request's");
    }
    fresh.then_some(()).ok_or("time")
}

async fn enrol(State(control): State<Control>, Json(enrol): Json<Enrol>) -> Response {
    let mut inner = control.lock();
    let mut key = [0; 32];
    Base64UrlUnpadded::decode(&enrol.public_key, &mut key).unwrap();
    let key = VerifyingKey::from_bytes(&key).unwrap();
    // Redeemed by another key already: the token is spent.
    if enrol.token != TOKEN || inner.key.is_some_and(|known| known != key) {
        return refusal(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", &json!({}));
    }
    inner.key = Some(key);
    let enrolled = Enrolled {
        node_id: Control::node(),
        name: "test node".to_owned(),
        server_time: now_ms(&inner),
    };
    Json(enrolled).into_response()
}

async fn start(State(control): State<Control>) -> Json<Started> {
    let mut inner = control.lock();
    inner.epoch += 1;
    Json(Started {
        epoch: inner.epoch,
        server_time: now_ms(&inner),
    })
}

async fn desired(State(control): State<Control>, Query(query): Query<DesiredQuery>) -> Response {
    let mut changed = control.changed.subscribe();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(25);
    loop {
        {
            let inner = control.lock();
            if query.epoch.is_some_and(|epoch| epoch < inner.epoch) {
                return refusal(StatusCode::CONFLICT, "CONFLICT", &json!({ "stale_epoch": inner.epoch }));
            }
            if query.have != Some(inner.desired.generation) || tokio::time::Instant::now() >= deadline {
                let mut desired = inner.desired.clone();
                desired.server_time = now_ms(&inner);
                return Json(desired).into_response();
            }
        }
        let _ = tokio::time::timeout_at(deadline, changed.changed()).await;
    }
}

async fn observed(State(control): State<Control>, Json(observed): Json<Observed>) -> Response {
    let answer = {
        let mut inner = control.lock();
        if observed.epoch < inner.epoch {
            return refusal(StatusCode::CONFLICT, "CONFLICT", &json!({ "stale_epoch": inner.epoch }));
        }
        let newer = |known: &Observed| (observed.epoch, observed.seq) > (known.epoch, known.seq);
        inner.reports += 1;
        if inner.observed.as_ref().is_none_or(newer) {
            inner.observed = Some(observed);
        }
        ObservedTaken {
            generation: inner.desired.generation,
            server_time: now_ms(&inner),
        }
    };
    control.touch();
    Json(answer).into_response()
}

async fn events(State(control): State<Control>, body: Bytes) -> Response {
    let outbox: Outbox = serde_json::from_slice(&body).unwrap();
    let answer = {
        let mut inner = control.lock();
        if inner.refuse_events {
            inner.refused += 1;
            drop(inner);
            control.touch();
            return refusal(StatusCode::FORBIDDEN, "FORBIDDEN", &json!({}));
        }
        let taken = Taken {
            entries: u32::try_from(outbox.entries.len()).unwrap(),
            server_time: now_ms(&inner),
        };
        for entry in outbox.entries {
            if inner.seen.insert(entry.id) {
                inner.entries.push(entry);
            }
        }
        taken
    };
    control.touch();
    Json(answer).into_response()
}

async fn credential(State(control): State<Control>, Json(ask): Json<AskCredential>) -> Response {
    let mut inner = control.lock();
    inner.asked.push(ask);
    match inner.credential.clone() {
        Some((username, password)) => Json(GitCredential { username, password }).into_response(),
        None => refusal(StatusCode::NOT_FOUND, "NOT_FOUND", &json!({})),
    }
}
