//! The agent's half that this is about: an HTTP server on loopback that upgrades to terminal sessions.

use anyhow::Result;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sam_agent_terminals::{Access, Terminals};
use sam_contract::ids::TerminalId;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Serves until dropped.
pub struct Agent {
    port: u16,
    task: JoinHandle<()>,
}

impl Agent {
    /// Listens on a free port of loopback.
    pub async fn start(terminals: Terminals) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                drop(tcp.set_nodelay(true));
                let terminals = terminals.clone();
                let service = service_fn(move |request| answer(terminals.clone(), request));
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(tcp), service)
                    .with_upgrades();
                tokio::spawn(connection);
            }
        });
        Ok(Self { port, task })
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where a terminal is.
    #[must_use]
    pub fn url(&self, id: TerminalId) -> String {
        url(self.port, id)
    }
}

/// Where a terminal of the agent on `port` is; `?read` makes the viewer a reader.
#[must_use]
pub fn url(port: u16, id: TerminalId) -> String {
    format!("ws://127.0.0.1:{port}/{id}")
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(terminals: Terminals, mut request: Request<Incoming>) -> Result<Response<String>, hyper::Error> {
    let id = request.uri().path().trim_start_matches('/').parse::<TerminalId>();
    let access = if request.uri().query() == Some("read") {
        Access::Read
    } else {
        Access::Write
    };
    Ok(match id {
        Ok(id) => terminals.upgrade(&mut request, id, access),
        Err(error) => {
            let mut response = Response::new(error.to_string());
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    })
}
