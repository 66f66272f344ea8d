//! The steps of a start. Each error names its step; nothing is served before all have succeeded.

use crate::cli::UpArgs;
use crate::data_dir::DataDir;
use crate::gate::ComponentsGate;
use crate::keys::{KeyFiles, Keys};
use crate::listen::{self, PublicUrl};
use crate::local_node::{self, LocalNode};
use crate::login_link::{self, Links};
use crate::scheduler::Scheduler;
use crate::work::Components;
use anyhow::{Context, Result};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response};
use prometheus_client::registry::Registry;
use sam_contract::settings as names;
use sam_edge::admin::Admin;
use sam_edge::gate::SharedGate;
use sam_edge::objects::{ObjectStore, ObjectStoreConfig};
use sam_edge::serve::{ServeLimits, serve};
use sam_edge::{Body, Edge, EdgeConfig, HostNames, ProxyConfig, TunnelConfig, Wakes, X_SAM_COMPONENT, metrics};
use spin_host::Host;
use spin_host_sqlite::DataDirLock;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The bucket of the local object store, and the first segment of its path on the public address.
const LOCAL_BUCKET: &str = "sam-objects";
/// Attachments are pasted logs and screenshots; larger things belong into a repository.
const OBJECT_BYTES_MAX: u64 = 50 * 1024 * 1024;
/// What is in flight at the end gets so long.
const DRAIN: Duration = Duration::from_secs(10);
/// Where agents open their tunnels.
const TUNNEL_PATH: &str = "/api/agent/v1/tunnel";
/// Hosts of workspaces begin with it.
const WORKSPACE_PREFIX: &str = "ws-";

/// A started installation.
pub struct Running {
    origin: String,
    login_url: String,
    admin_address: Option<PathBuf>,
    host: Host,
    shutdown: CancellationToken,
    servers: Vec<JoinHandle<bool>>,
    scheduler: JoinHandle<()>,
    /// Resolves when the tunnels are closed and the application knows it.
    tunnels_closed: BoxFuture<'static, ()>,
    node: Option<LocalNode>,
    _lock: DataDirLock,
}

impl Running {
    /// Scheme, host and port for browsers.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// A one-time link that signs the administrator in.
    pub fn login_url(&self) -> &str {
        &self.login_url
    }

    /// Stops accepting, finishes what is in flight, and gives the data directory back.
    pub async fn stop(self) {
        self.shutdown.cancel();
        let node_stopped = async {
            if let Some(node) = self.node {
                node.stop().await;
            }
        };
        let finished = async {
            for server in self.servers {
                // A server that ended with connections open has said so by `false`; drain sees their requests.
                server.await.ok();
            }
            self.scheduler.await.ok();
            self.tunnels_closed.await;
            self.host.drain(DRAIN).await
        };
        let (finished, ()) = tokio::join!(timeout(DRAIN, finished), node_stopped);
        if finished != Ok(true) {
            warn!("work was still in flight after {} s and is cut off", DRAIN.as_secs());
        }
        if let Some(noted) = self.admin_address {
            // A stale note is harmless: the next start overwrites it.
            std::fs::remove_file(noted).ok();
        }
    }
}

/// Starts everything.
///
/// # Errors
/// Names the step that failed, with its cause.
pub async fn start(args: &UpArgs, settings: BTreeMap<String, String>) -> Result<Running> {
    let started = Instant::now();
    let data = DataDir::at(&args.data_dir);
    let lock = data.take().context("the data directory cannot be used")?;
    let key_files = KeyFiles::at(data.keys());
    let made = key_files.init().context("the keys cannot be made")?;
    if !made.is_empty() {
        info!(files = made.join(", "), dir = %data.keys().display(), "made new keys; keep a copy in a safe place");
    }
    let keys = key_files.load().context("the keys cannot be used")?;

    let listener = listen::bind(&args.listen, args.insecure_http).await?;
    let address = listener.local_addr()?;
    let public = PublicUrl::new(args.public_url.as_deref(), address)?;
    let shutdown = CancellationToken::new();
    let scheduler = Scheduler::default();
    let wakes = Wakes::new(scheduler.waker());

    let objects = objects(&data, &keys, &settings, listen::origins(address, &public))?;
    let domain = listen::workspace_domain(args.workspace_domain.as_deref(), &public);
    let variables = variables(args, settings, &keys, &public, &domain, objects.is_some());
    let host = build(args, &data, variables).await?;
    let private = host.clone();
    let call = move |component: String, request| {
        let host = private.clone();
        async move { host.handle_component(&component, request).await }.boxed()
    };
    let components = Components::new(call, &keys.ops_token, wakes.clone()).context("the ops token is malformed")?;
    let migrated = components
        .migrate()
        .await
        .context("the databases cannot be brought to this version's schema")?;
    if !migrated.applied.is_empty() {
        info!(applied = migrated.applied.join(", "), "migrated the databases");
    }

    let gate = SharedGate::new(ComponentsGate::new(components.clone()));
    let origins = listen::origins(address, &public);
    let config = EdgeConfig {
        host_names: listen::host_names(address.ip(), &public, &args.host_names),
        scheme: public.scheme(),
        wakes,
        objects,
        tunnels: Some(TunnelConfig::new(TUNNEL_PATH, gate.clone())),
        proxy: Some(ProxyConfig::new(WORKSPACE_PREFIX, &domain, origins, gate)),
        shutdown: shutdown.clone(),
        ..EdgeConfig::default()
    };
    let upstream = host.clone();
    let edge = Edge::new(config, move |request| serve_by(upstream.clone(), request));
    let mut registry = Registry::default();
    scheduler.register(&mut registry);
    let links = Links::new(components.clone(), &public.origin, &keys.ops_token);
    let (admin, admin_address) = serve_admin(args, &data, &edge, &host, registry, links, &shutdown).await?;
    let tunnels = edge.clone();
    let mut servers = vec![serve_public(listener, edge, &shutdown)];
    servers.extend(admin);

    let token = components
        .login_link()
        .await
        .context("the sign-in link cannot be made")?;
    let mut running = Running {
        login_url: login_link::url(&public.origin, &token.token),
        origin: public.origin.clone(),
        admin_address,
        host,
        scheduler: tokio::spawn(scheduler.run(components.clone(), shutdown.clone())),
        shutdown,
        servers,
        tunnels_closed: async move { tunnels.closed().await }.boxed(),
        node: None,
        _lock: lock,
    };
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    info!(ms, origin = running.origin, data_dir = %data.root().display(), "ready");
    running.node = local_node::start(args, &data, &listen::local_url(address, &public), components);
    Ok(running)
}

/// Lets the application answer, and names the component for the access log.
async fn serve_by(host: Host, request: Request<Body>) -> Response<Body> {
    let component = host
        .component_at(request.uri().path())
        .and_then(|id| HeaderValue::from_str(id).ok());
    let mut response = host.handle(request).await;
    if let Some(component) = component {
        response.headers_mut().insert(X_SAM_COMPONENT, component);
    }
    response
}

async fn build(args: &UpArgs, data: &DataDir, variables: BTreeMap<String, String>) -> Result<Host> {
    let cache = args.cache_dir.clone().unwrap_or_else(|| data.cache());
    let builder = Host::builder(&args.manifest)
        .state_dir(data.root())
        .cache_dir(cache)
        .variables(variables);
    builder
        .build()
        .await
        .with_context(|| format!("the application {} cannot be started", args.manifest.display()))
}

/// The local object store, unless the settings name an outside one.
fn objects(
    data: &DataDir,
    keys: &Keys,
    settings: &BTreeMap<String, String>,
    origins: Vec<String>,
) -> Result<Option<ObjectStore>> {
    if settings
        .get(names::S3_ENDPOINT.name)
        .is_some_and(|endpoint| !endpoint.is_empty())
    {
        return Ok(None);
    }
    let store = ObjectStore::open(ObjectStoreConfig {
        dir: data.objects(),
        bucket: LOCAL_BUCKET.to_owned(),
        access_key: keys.object_store.access_key.clone(),
        secret_key: keys.object_store.secret_key.clone(),
        object_bytes_max: OBJECT_BYTES_MAX,
        origins,
    });
    Ok(Some(store.context("the object store cannot be opened")?))
}

/// What the application's variables are set to: what the operator set, and what only the host knows.
fn variables(
    args: &UpArgs,
    settings: BTreeMap<String, String>,
    keys: &Keys,
    public: &PublicUrl,
    workspace_domain: &str,
    has_local_store: bool,
) -> BTreeMap<String, String> {
    let mut variables = settings;
    let mut set = |setting: names::Setting, value: &str| variables.insert(setting.name.to_owned(), value.to_owned());
    set(names::VAULT_KEYS, &keys.vault_keys);
    set(names::OPS_TOKEN, &keys.ops_token);
    set(names::PUBLIC_URL, &public.origin);
    set(names::WORKSPACE_DOMAIN, workspace_domain);
    set(names::INSECURE_HTTP, if args.insecure_http { "true" } else { "false" });
    if has_local_store {
        set(names::S3_ENDPOINT, &public.origin);
        set(names::S3_BUCKET, LOCAL_BUCKET);
        set(names::S3_ACCESS_KEY, &keys.object_store.access_key);
        set(names::S3_SECRET_KEY, &keys.object_store.secret_key);
    }
    variables
}

fn serve_public<U: sam_edge::Upstream>(
    listener: TcpListener,
    edge: Edge<U>,
    shutdown: &CancellationToken,
) -> JoinHandle<bool> {
    let service = move |request, client| {
        let edge = edge.clone();
        async move { edge.handle(request, Some(client)).await }
    };
    tokio::spawn(serve(
        listener,
        service,
        ServeLimits {
            drain: DRAIN,
            ..ServeLimits::default()
        },
        shutdown.clone(),
    ))
}

/// Serves operators, if wanted, and notes where.
async fn serve_admin<U: sam_edge::Upstream>(
    args: &UpArgs,
    data: &DataDir,
    edge: &Edge<U>,
    host: &Host,
    registry: Registry,
    links: Links,
    shutdown: &CancellationToken,
) -> Result<(Option<JoinHandle<bool>>, Option<PathBuf>)> {
    if args.admin_listen == "off" {
        return Ok((None, None));
    }
    // Whoever reaches it reads all metrics, so it is for this machine only, whatever --insecure-http says.
    let listener = listen::bind(&args.admin_listen, false)
        .await
        .context("the admin listener (--admin-listen) cannot be started")?;
    let noted = data.admin_address();
    std::fs::write(&noted, format!("{}\n", listener.local_addr()?))
        .with_context(|| format!("{} cannot be written", noted.display()))?;
    let (edge_metrics, host) = (Arc::clone(edge.metrics()), host.clone());
    let render = move || metrics::encode(&[edge_metrics.registry(), &registry, &host.metrics().registry()]);
    let admin = Admin::new(HostNames::loopback(), render, links);
    let service = move |request, _client| {
        let admin = admin.clone();
        async move { admin.handle(request).await }
    };
    let server = tokio::spawn(serve(
        listener,
        service,
        ServeLimits {
            drain: DRAIN,
            ..ServeLimits::default()
        },
        shutdown.clone(),
    ));
    Ok((Some(server), Some(noted)))
}
