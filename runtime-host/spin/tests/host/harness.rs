//! Starts a host for a manifest written on the spot, and asks it over HTTP.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use spin_host::{Host, Limits, StartError};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What a test waits for has to happen within this time, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One component with its route and what else stands in its table.
pub(crate) struct Guest {
    pub(crate) id: &'static str,
    pub(crate) route: &'static str,
    pub(crate) table: String,
}

/// The guest `id` under `/id/...`, without grants.
pub(crate) fn guest(id: &'static str) -> Guest {
    Guest {
        id,
        route: "",
        table: String::new(),
    }
}

impl Guest {
    /// Adds lines to the component's table.
    pub(crate) fn with(mut self, lines: &str) -> Self {
        self.table.push_str(lines);
        self.table.push('\n');
        self
    }

    /// Replaces the route; TOML.
    pub(crate) fn route(mut self, route: &'static str) -> Self {
        self.route = route;
        self
    }
}

/// The text of a manifest for `guests`; `head` comes before the components.
pub(crate) fn manifest(head: &str, guests: &[Guest]) -> String {
    let mut text = format!("spin_manifest_version = 2\napplication.name = \"test\"\n{head}\n");
    for Guest { id, route, table } in guests {
        let default = format!("\"/{id}/...\"");
        let route = if route.is_empty() { &default } else { *route };
        let source = wasm(id);
        text.push_str(&format!("[[trigger.http]]\nroute = {route}\ncomponent = \"{id}\"\n"));
        text.push_str(&format!("[component.{id}]\nsource = {source:?}\n{table}\n"));
    }
    text
}

/// The guest `name` as a manifest's path: [`build`] links the folder of built guests into the application's.
pub(crate) fn wasm(name: &str) -> String {
    let file = built_guests().join(format!("{name}.wasm"));
    assert!(
        file.exists(),
        "{} is missing; run `cargo build -p sam-tests-guests --examples --target wasm32-wasip2 --release`",
        file.display()
    );
    format!("guests/{name}.wasm")
}

fn built_guests() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    std::path::absolute(target.join("wasm32-wasip2/release/examples")).unwrap()
}

/// A folder for one application, and a cache of compiled guests for all tests.
pub(crate) async fn build(
    manifest: &str,
    limits: Limits,
    variables: &[(&str, &str)],
) -> (Result<Host, StartError>, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(built_guests(), dir.path().join("guests")).unwrap();
    std::fs::create_dir(dir.path().join("assets")).unwrap();
    std::fs::write(dir.path().join("assets/greeting.txt"), "good morning").unwrap();
    std::fs::write(dir.path().join("secret.txt"), "not for guests").unwrap();
    std::fs::write(dir.path().join("spin.toml"), manifest).unwrap();
    let host = Host::builder(dir.path().join("spin.toml"))
        .state_dir(dir.path().join("data"))
        .cache_dir(std::env::temp_dir().join("spin-host-tests-cache"))
        .variables(
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
        .limits(limits)
        .build()
        .await;
    (host, dir)
}

/// A running application.
pub(crate) struct App {
    pub(crate) host: Host,
    pub(crate) address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
    _dir: TempDir,
}

/// A whole response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl App {
    pub(crate) async fn start(guests: &[Guest]) -> Self {
        Self::start_with(guests, Limits::default()).await
    }

    pub(crate) async fn start_with(guests: &[Guest], limits: Limits) -> Self {
        Self::start_manifest(&manifest("", guests), limits, &[]).await
    }

    pub(crate) async fn start_manifest(manifest: &str, limits: Limits, variables: &[(&str, &str)]) -> Self {
        let (host, dir) = build(manifest, limits, variables).await;
        let host = host.unwrap_or_else(|error| panic!("{error}\n{manifest}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = host.clone();
        let server = tokio::spawn(async move { served.serve(listener, async { _ = stopped.await }).await });
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self {
            host,
            address,
            client,
            stop: Some(stop),
            server,
            _dir: dir,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A GET with headers, up to the response head.
    pub(crate) async fn open(&self, path: &str, headers: &[(&str, &str)]) -> http::Response<Incoming> {
        let mut request = Request::get(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.client
            .request(request.body(Full::default()).unwrap())
            .await
            .unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        Answer::read(self.open(path, headers).await).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        let request = Request::builder().method(Method::POST).uri(self.url(path));
        Answer::read(
            self.client
                .request(request.body(Full::new(body.into())).unwrap())
                .await
                .unwrap(),
        )
        .await
    }

    /// The value of one line of the metrics.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let text = self.host.metrics().encode();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
    }

    /// Tells the server to stop and waits for it.
    pub(crate) async fn stop(&mut self) {
        self.tell_to_stop();
        (&mut self.server).await.unwrap();
    }

    pub(crate) fn tell_to_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }
}

impl Answer {
    pub(crate) async fn read(response: http::Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn assert(&self, status: u16, body: &str) {
        assert_eq!((self.status.as_u16(), self.body.as_str()), (status, body));
    }

    /// An error in the host's JSON envelope.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, code: &str) {
        let start = format!(r#"{{"error":"{code}","message":""#);
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert!(
            self.body.starts_with(&start) && self.body.contains(r#","request_id":""#),
            "{self:?}"
        );
    }
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
