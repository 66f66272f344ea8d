//! Who may pass to a workspace's own hosts. The edge asks, and decides nothing itself.

use sam_contract::error::ErrorCode;
use sam_contract::http::edge::{Admit, Admitted, PortCookie, Shown};
use sam_contract::ids::{TerminalId, WorkspaceId};
use sam_contract::route::Body;
use sam_domain::secrets::{self, SecretHash};
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::error::ApiError;
use sam_kit::ids;

use crate::store::admissions::{self, Door, Opened};

/// A working day: a port is opened anew with one click.
const PORT_SESSION_S: i64 = 12 * 3_600;

/// Where a browser enters a port with its ticket.
const ENTER: &str = "/.sam/enter";

/// What a host's first label names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Label {
    workspace: WorkspaceId,
    port: Option<u16>,
}

/// `POST /_work/admit`
pub(crate) async fn admit((): (), call: Call<Body<Admit>>) -> Result<Admitted, ApiError> {
    let Body(Admit {
        label,
        path,
        credential,
    }) = &call.input;
    let label = read(label).ok_or_else(ApiError::not_found)?;
    match (label.port, credential) {
        (None, Shown::Ticket(ticket)) => terminal(label.workspace, path, hash(ticket)?, call.now).await,
        (Some(port), Shown::Ticket(ticket)) if path == ENTER => {
            enter(label.workspace, port, hash(ticket)?, call.now).await
        }
        (Some(port), Shown::Cookie(cookie)) => browse(label.workspace, port, hash(cookie)?, call.now).await,
        (None, Shown::Cookie(_)) | (Some(_), Shown::Ticket(_)) => Err(refused()),
    }
}

fn hash(secret: &str) -> Result<SecretHash, ApiError> {
    secrets::opaque_hash(secret).ok_or_else(refused)
}

fn refused() -> ApiError {
    ApiError::new(
        ErrorCode::Unauthorized,
        "This was opened before, has expired, or is not yours: open it from SAM again.",
    )
}

/// `ws-<id>` or `ws-<id>--<port>`.
fn read(label: &str) -> Option<Label> {
    let rest = label.strip_prefix("ws-")?;
    let (id, port) = rest
        .split_once("--")
        .map_or((rest, None), |(id, port)| (id, Some(port)));
    // One spelling for each port: `080` would be another origin for the same one.
    let plain = |port: &str| port.parse::<u16>().ok().filter(|n| *n > 0 && n.to_string() == port);
    let port = match port {
        Some(port) => Some(plain(port)?),
        None => None,
    };
    Some(Label {
        workspace: id.parse().ok()?,
        port,
    })
}

async fn terminal(workspace: WorkspaceId, path: &str, ticket: SecretHash, now: i64) -> Result<Admitted, ApiError> {
    let id = path
        .strip_prefix("/terminals/")
        .and_then(|id| id.parse::<TerminalId>().ok());
    let id = id.ok_or_else(ApiError::not_found)?;
    let opened = admissions::use_ticket(&CORE, ticket, workspace, Door::Terminal(id), now).await?;
    let Opened {
        node_id,
        holder,
        read_only,
    } = opened.ok_or_else(refused)?;
    let mode = if read_only { "read" } else { "write" };
    Ok(Admitted {
        node_id,
        target: format!(
            "/v1/workspaces/{workspace}/terminals/{id}/attach?mode={mode}&viewer={}",
            holder.user_id
        ),
        cookie: None,
    })
}

async fn enter(workspace: WorkspaceId, port: u16, ticket: SecretHash, now: i64) -> Result<Admitted, ApiError> {
    let opened = admissions::use_ticket(&CORE, ticket, workspace, Door::Port(port), now).await?;
    let opened = opened.ok_or_else(refused)?;
    let value = secrets::opaque(ids::entropy()?);
    let times = (now, now.saturating_add(PORT_SESSION_S * 1_000));
    admissions::insert_session(&CORE, hash(&value)?, &opened.holder, workspace, port, times).await?;
    Ok(Admitted {
        cookie: Some(PortCookie {
            value,
            max_age_s: PORT_SESSION_S,
        }),
        ..to_port(&opened, workspace, port)
    })
}

async fn browse(workspace: WorkspaceId, port: u16, cookie: SecretHash, now: i64) -> Result<Admitted, ApiError> {
    let opened = admissions::find_session(&CORE, cookie, workspace, port, now).await?;
    Ok(to_port(&opened.ok_or_else(refused)?, workspace, port))
}

fn to_port(opened: &Opened, workspace: WorkspaceId, port: u16) -> Admitted {
    Admitted {
        node_id: opened.node_id,
        target: format!("/v1/workspaces/{workspace}/ports/{port}"),
        cookie: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        let id = "01arz3ndektsv4rrffq69g5fav";
        let check = |label: &str, expect: Option<Option<u16>>| {
            let got = read(label).map(|label| (label.workspace.to_string(), label.port));
            assert_eq!(got, expect.map(|port| (id.to_owned(), port)), "{label}");
        };
        check(&format!("ws-{id}"), Some(None));
        check(&format!("ws-{id}--3000"), Some(Some(3000)));
        for bad in [
            "",
            "ws-",
            "ws-x",
            id,
            &format!("ws-{id}--"),
            &format!("ws-{id}--0"),
            &format!("ws-{id}--080"),
        ] {
            check(bad, None);
        }
        check(&format!("ws-{id}--70000"), None);
        check(&format!("ws-{}", id.to_ascii_uppercase()), None);
    }
}
