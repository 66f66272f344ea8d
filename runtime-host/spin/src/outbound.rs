//! Requests that guests send: checked against the component's allowed hosts, then sent or answered in-process.

mod client;
mod connect;
mod pool;
mod timed_body;

use std::sync::Arc;

use http::Uri;
use http::uri::{Authority, Scheme};
use http_body_util::BodyExt;
use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody, WasiHttpHooks};

pub(crate) use self::client::Client;
use crate::blueprint::Blueprint;
use crate::instance::Occupancy;
use crate::metrics::ComponentMetrics;
use crate::switchboard::Callee;

/// Requests to `<component>.spin.internal` never leave the process.
const INTERNAL_SUFFIX: &str = ".spin.internal";

/// The host under which a component reaches the public routes of its own application, as with Spin.
const OWN_HOST: &str = "self.alt";

type Sent = (http::Response<WasiBody>, Box<dyn Future<Output = Result<()>> + Send>);

/// What one instance may send, and how.
pub(crate) struct Outbound {
    blueprint: Arc<Blueprint>,
    client: Arc<Client>,
    occupancy: Arc<Occupancy>,
    metrics: ComponentMetrics,
}

/// Where a request may go.
#[derive(Debug, PartialEq, Eq)]
enum Destination {
    InProcess(Callee),
    Network,
    Denied,
}

impl Outbound {
    pub(crate) fn new(
        blueprint: Arc<Blueprint>,
        client: Arc<Client>,
        occupancy: Arc<Occupancy>,
        metrics: ComponentMetrics,
    ) -> Self {
        Self {
            blueprint,
            client,
            occupancy,
            metrics,
        }
    }

    fn destination(&self, uri: &Uri) -> Destination {
        let Some(host) = uri.host() else {
            return Destination::Denied;
        };
        let https = uri.scheme() != Some(&Scheme::HTTP);
        let (scheme, default_port) = if https { ("https", 443) } else { ("http", 80) };
        let port = uri.port_u16().unwrap_or(default_port);
        let allowed = &self.blueprint.allowed_hosts;
        if host == OWN_HOST && allowed.allows_self(scheme) {
            return Destination::InProcess(Callee::Route);
        }
        if !allowed.allows(scheme, host, port) {
            return Destination::Denied;
        }
        match host.strip_suffix(INTERNAL_SUFFIX) {
            Some(component) => Destination::InProcess(Callee::Component(component.to_owned())),
            None => Destination::Network,
        }
    }

    fn chain(
        &self,
        callee: Callee,
        mut request: http::Request<WasiBody>,
    ) -> impl Future<Output = Result<Sent>> + use<> {
        let switchboard = Arc::clone(&self.blueprint.switchboard);
        let caller = self.occupancy.scope();
        let depth = caller.as_ref().map_or(0, |caller| caller.chain_depth).saturating_add(1);
        if let Some(id) = caller.and_then(|caller| caller.id().parse().ok()) {
            request.headers_mut().insert(crate::scope::X_REQUEST_ID, id);
        }
        async move {
            let response = switchboard
                .call(
                    &callee,
                    request.map(|body| body.map_err(Into::into).boxed_unsync()),
                    depth,
                )
                .await?;
            let response = response.map(|body| {
                body.map_err(|error| Error::InternalError(Some(error.to_string())))
                    .boxed_unsync()
            });
            Ok((response, Box::new(async { Ok(()) }) as Box<_>))
        }
    }
}

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_consumed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent>> + Send> {
        match self.destination(request.uri()) {
            Destination::Denied => {
                self.metrics.outbound_denied.inc();
                tracing::warn!(
                    component = &*self.blueprint.id,
                    request_id = self.occupancy.scope().as_ref().map(|scope| scope.id()),
                    authority = request.uri().authority().map(Authority::as_str),
                    scheme = request.uri().scheme_str(),
                    "outbound request denied; allowed_outbound_hosts of the component does not list it"
                );
                Box::new(async { Err(Error::HttpRequestDenied) })
            }
            Destination::InProcess(callee) => {
                self.metrics.outbound_chained.inc();
                Box::new(self.chain(callee, request))
            }
            Destination::Network => {
                self.metrics.outbound_sent.inc();
                let client = Arc::clone(&self.client);
                Box::new(async move {
                    let response = client.send(request, options).await?;
                    Ok((response, Box::new(async { Ok(()) }) as Box<_>))
                })
            }
        }
    }
}
