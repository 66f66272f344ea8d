//! Connections to the control plane: TCP, with TLS for `https`. Plain `http` only to this machine, unless it is allowed.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;

/// A connection is there by then, or not at all.
const PATIENCE: Duration = Duration::from_secs(15);

/// Makes connections. TLS is set up when it is first needed.
#[derive(Clone)]
pub struct Dialler {
    ca_file: Option<PathBuf>,
    tls: Arc<OnceLock<TlsConnector>>,
}

/// A connection.
pub enum Stream {
    /// To this machine.
    Plain(TcpStream),
    /// To anywhere else.
    Tls(Box<TlsStream<TcpStream>>),
}

/// Checks a control plane's address, and brings it into the form that paths are appended to.
pub fn control_plane(url: &str, insecure_http: bool) -> Result<Url, String> {
    let mut url = Url::parse(url).map_err(|_| format!("`{url}` is not a URL such as https://sam.example.org"))?;
    let host = url.host_str().ok_or("the control plane's URL names no host")?;
    let loopback = host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || host.starts_with("127.");
    match url.scheme() {
        "https" => {}
        "http" if loopback || insecure_http => {}
        "http" => {
            return Err(format!(
                "{url} is not encrypted: use https, or allow it with --insecure-http"
            ));
        }
        other => return Err(format!("the control plane's URL begins with {other}: use https")),
    }
    url.set_path("");
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

impl Dialler {
    /// Trusts the usual certificates, and those in the file.
    pub fn new(ca_file: Option<PathBuf>) -> Self {
        Self {
            ca_file,
            tls: Arc::default(),
        }
    }

    /// Connects.
    pub async fn connect(&self, https: bool, host: &str, port: u16) -> io::Result<Stream> {
        timeout(PATIENCE, self.dial(https, host, port))
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("{host}:{port} does not answer")))?
    }

    async fn dial(&self, https: bool, host: &str, port: u16) -> io::Result<Stream> {
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let tcp = TcpStream::connect((name, port)).await?;
        tcp.set_nodelay(true)?;
        if !https {
            return Ok(Stream::Plain(tcp));
        }
        let server = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let stream = self.tls()?.connect(server, tcp).await?;
        Ok(Stream::Tls(Box::new(stream)))
    }

    fn tls(&self) -> io::Result<&TlsConnector> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls);
        }
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        if let Some(path) = &self.ca_file {
            for certificate in CertificateDer::pem_file_iter(path).map_err(io::Error::other)? {
                roots
                    .add(certificate.map_err(io::Error::other)?)
                    .map_err(io::Error::other)?;
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(self.tls.get_or_init(|| TlsConnector::from(Arc::new(config))))
    }
}

impl tower_service::Service<Uri> for Dialler {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Stream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let https = uri.scheme_str() == Some("https");
            let host = uri
                .host()
                .ok_or_else(|| io::Error::other("the address names no host"))?;
            let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
            this.connect(https, host, port).await.map(TokioIo::new)
        })
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        assert_eq!(
            control_plane("http://127.0.0.1:8787/x?y", false).unwrap().as_str(),
            "http://127.0.0.1:8787/"
        );
        assert!(control_plane("http://sam.example.org", false).is_err());
        assert!(control_plane("http://sam.example.org", true).is_ok());
        assert!(control_plane("https://sam.example.org", false).is_ok());
        assert!(control_plane("ftp://localhost", false).is_err());
    }
}
