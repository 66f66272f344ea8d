//! Tickets: a signed-in person gets one here, and opens one thing with it on the workspace's own host, where no cookie
//! of ours is.

use sam_contract::http::workspaces::{CreateTicket, Ticket, TicketFor};
use sam_contract::ids::WorkspaceId;
use sam_contract::route::{Body, Created, Path};
use sam_domain::secrets;
use sam_domain::workspaces::Status;
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::error::ApiError;
use sam_kit::guard::{Credential, Principal};
use sam_kit::ids;
use sam_kit::site::Site;

use super::domain;
use super::people::load;
use crate::store::admissions::{self, Door, Holder, NewTicket};
use crate::wire;

/// A page uses its ticket at once.
const TICKET_MS: i64 = 60_000;

/// `POST /api/workspaces/{id}/tickets`
pub(crate) async fn create(
    who: Principal,
    call: Call<(Path<WorkspaceId>, Body<CreateTicket>)>,
) -> Result<Created<Ticket>, ApiError> {
    let (Path(id), Body(CreateTicket { purpose })) = call.input;
    let row = load(&who, id).await?.workspace;
    if matches!(row.state.status, Status::Deleting | Status::Deleted) {
        return Err(ApiError::conflict("This workspace is being deleted."));
    }
    let (door, read_only) = match purpose {
        TicketFor::Terminal { terminal, read_only } => (Door::Terminal(terminal), read_only),
        TicketFor::Port { port: 0 } => return Err(ApiError::bad_request("for.port: 1 to 65535 is expected")),
        TicketFor::Port { port } => (Door::Port(port), false),
    };
    let (session_id, api_token_id) = match who.credential {
        Credential::Session(id) => (Some(id), None),
        Credential::Token(id, _) => (None, Some(id)),
    };
    let holder = Holder {
        account_id: who.account_id,
        user_id: who.user_id,
        session_id,
        api_token_id,
    };
    let secret = secrets::opaque(ids::entropy()?);
    let hash = secrets::opaque_hash(&secret).ok_or_else(|| ApiError::internal("a new ticket has no hash"))?;
    let expires_at = call.now.saturating_add(TICKET_MS);
    let ticket = NewTicket {
        id: ids::new()?,
        holder,
        workspace: id,
        door,
        read_only,
        created_at: call.now,
        expires_at,
    };
    admissions::insert_ticket(&CORE, &ticket, hash).await?;
    Ok(Created(Ticket {
        ticket: secret,
        url: url(id, door, &domain(&call.site).await?, is_secure(&call.site)),
        expires_at,
    }))
}

fn is_secure(site: &Site) -> bool {
    site.origin().is_some_and(|origin| origin.starts_with("https://"))
}

fn url(id: WorkspaceId, door: Door, domain: &str, secure: bool) -> String {
    let s = if secure { "s" } else { "" };
    match door {
        Door::Terminal(terminal) => format!("ws{s}://{}/terminals/{terminal}", wire::host(id, domain)),
        Door::Port(port) => format!("http{s}://ws-{id}--{port}.{domain}/.sam/enter"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let id: WorkspaceId = "01arz3ndektsv4rrffq69g5fav".parse().unwrap();
        let terminal = Door::Terminal("01arz3ndektsv4rrffq69g5faw".parse().unwrap());
        let check = |door, domain, secure, expect: &str| assert_eq!(url(id, door, domain, secure), expect);
        let path = "terminals/01arz3ndektsv4rrffq69g5faw";
        check(
            terminal,
            "localhost:8787",
            false,
            &format!("ws://ws-01arz3ndektsv4rrffq69g5fav.localhost:8787/{path}"),
        );
        check(
            Door::Port(3000),
            "ws.example",
            true,
            "https://ws-01arz3ndektsv4rrffq69g5fav--3000.ws.example/.sam/enter",
        );
    }
}
