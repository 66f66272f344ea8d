//! Ports of a workspace: the list, and a proxy for HTTP and WebSocket to whatever listens.
//!
//! Development servers answer to `localhost` only, and compare it with `Host` and `Origin`; so that is what they get. What
//! the browser asked for stays in `x-forwarded-host`.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONNECTION, HOST, LOCATION, ORIGIN, UPGRADE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use sam_contract::agent::observed::Port;
use sam_contract::ids::WorkspaceId;
use serde::Deserialize;
use tracing::debug;

use super::Api;
use super::error::{Answer, ERROR_HEADER};
use crate::ports::{connect, scan};

/// What belongs to one connection only.
const HOP_BY_HOP: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
];

pub(super) async fn list(State(api): State<Api>, Path(id): Path<WorkspaceId>) -> Answer<Json<Vec<Port>>> {
    let pid = api.inside(id)?.pid;
    Ok(Json(tokio::task::spawn_blocking(move || scan(pid)).await?))
}

/// Which port. The rest of the path is taken from the request as it is, not decoded.
#[derive(Deserialize)]
pub(super) struct Target {
    id: WorkspaceId,
    port: u16,
}

pub(super) async fn forward(State(api): State<Api>, Path(target): Path<Target>, request: Request) -> Response {
    let inside = match api.inside(target.id) {
        Ok(inside) => inside,
        Err(error) => return error.into_response(),
    };
    let stream = match connect(inside.pid, inside.isolation, target.port).await {
        Ok(stream) => stream,
        Err(error) => {
            debug!(workspace = %target.id, port = target.port, %error, "nothing answers");
            return closed(target.port);
        }
    };
    match exchange(TokioIo::new(stream), target.port, request).await {
        Ok(response) => response,
        Err(error) => {
            debug!(workspace = %target.id, port = target.port, %error, "what listens does not speak HTTP");
            closed(target.port)
        }
    }
}

/// Nothing listens: a status and a code of its own, by which the edge knows that the page is not the application's.
fn closed(port: u16) -> Response {
    let message =
        format!("nothing answers on port {port} of the workspace: start the server there, then load this again");
    let body = serde_json::json!({ "error": "PORT_CLOSED", "message": message });
    let mut response = (StatusCode::BAD_GATEWAY, Json(body)).into_response();
    response
        .headers_mut()
        .insert(ERROR_HEADER, HeaderValue::from_static("PORT_CLOSED"));
    response
}

async fn exchange(
    stream: TokioIo<tokio::net::TcpStream>,
    port: u16,
    mut request: Request,
) -> Result<Response, hyper::Error> {
    let (mut sender, connection) = http1::handshake(stream).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            debug!(%error, "a connection into a workspace ended early");
        }
    });
    let wants_upgrade = request.headers().contains_key(UPGRADE);
    let client = wants_upgrade.then(|| hyper::upgrade::on(&mut request));
    let (mut parts, body) = request.into_parts();
    parts.uri = below(&parts.uri);
    rewrite(&mut parts.headers, port, wants_upgrade);
    let mut answer = sender.send_request(Request::from_parts(parts, body)).await?;
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        if let Some(client) = client {
            let server = hyper::upgrade::on(&mut answer);
            tokio::spawn(async move {
                if let (Ok(client), Ok(server)) = tokio::join!(client, server) {
                    let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                }
            });
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = answer.headers().clone();
        clean(response.headers_mut(), port);
        return Ok(response);
    }
    let mut response = answer.map(Body::new);
    for name in HOP_BY_HOP {
        response.headers_mut().remove(name);
    }
    clean(response.headers_mut(), port);
    Ok(response)
}

/// The path and query behind `/ports/<port>`, which is what the router leaves of the whole path.
fn below(uri: &Uri) -> Uri {
    let path = uri.path().splitn(4, '/').nth(3).unwrap_or_default();
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("/{path}{query}")
        .parse()
        .unwrap_or_else(|_| Uri::from_static("/"))
}

fn rewrite(headers: &mut HeaderMap, port: u16, upgrade: bool) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    if upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    } else {
        headers.remove(UPGRADE);
    }
    let local = format!("localhost:{port}");
    let asked = headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
    let origin = headers
        .get(ORIGIN)
        .and_then(|origin| origin.to_str().ok()?.split_once("://"))
        .map(|(_, host)| host.to_owned());
    if origin.is_some() && origin == asked {
        set(headers, ORIGIN, &format!("http://{local}"));
    }
    if let Some(asked) = asked
        && !headers.contains_key("x-forwarded-host")
    {
        set(headers, HeaderName::from_static("x-forwarded-host"), &asked);
    }
    set(headers, HOST, &local);
}

/// Only the agent speaks in `x-sam-*`; and a redirect to `localhost` would lead to the browser's own machine.
fn clean(headers: &mut HeaderMap, port: u16) {
    let own: Vec<_> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-sam-"))
        .cloned()
        .collect();
    for name in own {
        headers.remove(name);
    }
    let location = headers
        .get(LOCATION)
        .and_then(|to| to.to_str().ok())
        .unwrap_or_default();
    let path = location.strip_prefix(&format!("http://localhost:{port}"));
    if let Some(path) = path
        .filter(|path| path.is_empty() || path.starts_with('/'))
        .map(str::to_owned)
    {
        set(headers, LOCATION, if path.is_empty() { "/" } else { &path });
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_passed_on_as_it_was_sent() {
        let check = |from: &'static str, to: &str| assert_eq!(below(&Uri::from_static(from)).to_string(), to, "{from}");
        check("/ports/3000/a%2Fb/c?d=%20", "/a%2Fb/c?d=%20");
        check("/ports/3000/", "/");
        check("/ports/3000", "/");
        check("/ports/3000//double", "//double");
    }

    #[test]
    fn servers_see_localhost() {
        let mut headers = HeaderMap::new();
        set(&mut headers, HOST, "ws-1--3000.localhost:8787");
        set(&mut headers, ORIGIN, "http://ws-1--3000.localhost:8787");
        set(&mut headers, CONNECTION, "keep-alive");
        rewrite(&mut headers, 3000, false);
        assert_eq!(headers[HOST], "localhost:3000");
        assert_eq!(headers[ORIGIN], "http://localhost:3000");
        assert_eq!(headers["x-forwarded-host"], "ws-1--3000.localhost:8787");
        assert!(!headers.contains_key(CONNECTION));
        set(&mut headers, LOCATION, "http://localhost:3000/login");
        set(&mut headers, HeaderName::from_static("x-sam-error"), "FORGED");
        clean(&mut headers, 3000);
        assert_eq!(headers[LOCATION], "/login");
        assert!(!headers.contains_key("x-sam-error"));
    }
}
