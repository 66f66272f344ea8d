//! Opens connections: name lookup, TCP, TLS.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::{Error, Result, WasiBody};

use super::pool::Target;

/// Opens the connections of one component.
#[derive(Default)]
pub(crate) struct Connector {
    /// Made when it is first needed. It holds the sessions that servers let one resume, which name the client to them.
    tls: OnceLock<TlsConnector>,
}

impl Connector {
    /// A connection to `target`, driven by a task of its own until either side closes it.
    pub(crate) async fn connect(&self, target: &Target) -> Result<SendRequest<WasiBody>> {
        let address = format!("{}:{}", target.host, target.port);
        let stream = TcpStream::connect(address).await.map_err(Error::Connect)?;
        // Without this a request in two writes waits 40 ms for the server's delayed acknowledgement.
        stream.set_nodelay(true).map_err(Error::Connect)?;
        if target.https {
            let name = server_name(&target.host)?;
            let stream = self.tls()?.connect(name, stream).await.map_err(Error::Tls)?;
            start(stream).await
        } else {
            start(stream).await
        }
    }

    fn tls(&self) -> Result<&TlsConnector> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls);
        }
        let made = config().map_err(|error| Error::InternalError(Some(error.to_string())))?;
        Ok(self.tls.get_or_init(|| TlsConnector::from(Arc::new(made))))
    }
}

fn config() -> std::result::Result<ClientConfig, rustls::Error> {
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.into(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// The name that the server's certificate must have; an IPv6 address stands in brackets in a URI.
fn server_name(host: &str) -> Result<ServerName<'static>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => Ok(ServerName::from(address)),
        Err(_) => Ok(ServerName::try_from(bare)?.to_owned()),
    }
}

async fn start(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Result<SendRequest<WasiBody>> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // The request in flight is told; an idle connection's end concerns nobody.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "an outbound connection ended early");
        }
    });
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_asked_for_the_bare_host() {
        for (host, expect) in [
            ("example.org", ServerName::try_from("example.org").unwrap()),
            ("127.0.0.1", ServerName::from(IpAddr::from([127, 0, 0, 1]))),
            ("[::1]", ServerName::from("::1".parse::<IpAddr>().unwrap())),
        ] {
            assert_eq!(server_name(host).unwrap(), expect);
        }
        assert!(server_name("not a host").is_err());
        assert!(config().is_ok());
    }
}
