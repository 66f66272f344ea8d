//! Rows of `tickets` and `port_sessions`: who may open a terminal or a port. Only hashes are kept.

use sam_contract::ids::{AccountId, ApiTokenId, NodeId, SessionId, TerminalId, TicketId, UserId, WorkspaceId};
use sam_domain::secrets::SecretHash;
use sam_kit::db::{Db, DbError, Row};
use sam_kit::params;

/// What may be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A terminal.
    Terminal(TerminalId),
    /// A port.
    Port(u16),
}

/// Who opens, and with what they were signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// In which account.
    pub account_id: AccountId,
    /// Who.
    pub user_id: UserId,
    /// By a browser session.
    pub session_id: Option<SessionId>,
    /// By an API token.
    pub api_token_id: Option<ApiTokenId>,
}

/// What is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// On which node.
    pub node_id: NodeId,
    /// By whom.
    pub holder: Holder,
    /// Only to watch.
    pub read_only: bool,
}

/// Whoever holds a row `t` may still act: active, in the workspace's account, and not signed out since.
macro_rules! holder_may {
    () => {
        "EXISTS (SELECT 1 FROM users u WHERE u.id = t.user_id AND u.account_id = t.account_id AND u.status = 'active') \
         AND (t.session_id IS NULL OR EXISTS (SELECT 1 FROM sessions s \
            WHERE s.id = t.session_id AND s.revoked_at IS NULL AND s.expires_at > ?1)) \
         AND (t.api_token_id IS NULL OR EXISTS (SELECT 1 FROM api_tokens a WHERE a.id = t.api_token_id \
            AND a.revoked_at IS NULL AND (a.expires_at IS NULL OR a.expires_at > ?1)))"
    };
}

macro_rules! node {
    ($table:literal) => {
        concat!(
            "(SELECT w.node_id FROM workspaces w WHERE w.id = ",
            $table,
            ".workspace_id AND w.account_id = ",
            $table,
            ".account_id AND w.status NOT IN ('deleting', 'deleted'))"
        )
    };
}

/// A ticket that was just made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewTicket {
    /// Its id.
    pub id: TicketId,
    /// Whose.
    pub holder: Holder,
    /// To which workspace.
    pub workspace: WorkspaceId,
    /// To what in it.
    pub door: Door,
    /// Only to watch.
    pub read_only: bool,
    /// Made.
    pub created_at: i64,
    /// Not valid after.
    pub expires_at: i64,
}

/// Keeps a new ticket.
pub async fn insert_ticket(db: &impl Db, ticket: &NewTicket, hash: SecretHash) -> Result<(), DbError> {
    let sql = "INSERT INTO tickets (id, account_id, user_id, workspace_id, terminal_id, port, read_only, session_id, \
        api_token_id, token_hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let (terminal, port) = columns(ticket.door);
    let holder = &ticket.holder;
    let values = params![
        ticket.id,
        holder.account_id,
        holder.user_id,
        ticket.workspace,
        terminal,
        port,
        ticket.read_only,
        holder.session_id,
        holder.api_token_id,
        hash,
        ticket.created_at,
        ticket.expires_at
    ];
    db.query(sql, values).await.map(drop)
}

fn columns(door: Door) -> (Option<TerminalId>, Option<u32>) {
    match door {
        Door::Terminal(id) => (Some(id), None),
        Door::Port(port) => (None, Some(u32::from(port))),
    }
}

/// Uses a ticket up, if it is for this door, valid, unused, and its holder may still act.
pub async fn use_ticket(
    db: &impl Db,
    hash: SecretHash,
    workspace: WorkspaceId,
    door: Door,
    now: i64,
) -> Result<Option<Opened>, DbError> {
    let sql = concat!(
        "UPDATE tickets AS t SET used_at = ?1 WHERE t.token_hash = ?2 AND t.used_at IS NULL AND t.expires_at > ?1 \
          AND t.workspace_id = ?3 AND t.terminal_id IS ?4 AND t.port IS ?5 AND ",
        holder_may!(),
        " AND ",
        node!("t"),
        " IS NOT NULL RETURNING account_id, user_id, session_id, api_token_id, read_only, \
          (SELECT w.node_id FROM workspaces w WHERE w.id = workspace_id) AS node_id"
    );
    let (terminal, port) = columns(door);
    let row = db.row(sql, params![now, hash, workspace, terminal, port]).await?;
    row.as_ref().map(opened).transpose()
}

/// Lets a browser use a port.
pub async fn insert_session(
    db: &impl Db,
    hash: SecretHash,
    holder: &Holder,
    workspace: WorkspaceId,
    port: u16,
    (now, expires_at): (i64, i64),
) -> Result<(), DbError> {
    let sql = "INSERT INTO port_sessions (token_hash, account_id, user_id, workspace_id, port, session_id, \
        api_token_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = params![
        hash,
        holder.account_id,
        holder.user_id,
        workspace,
        u32::from(port),
        holder.session_id,
        holder.api_token_id,
        now,
        expires_at
    ];
    db.query(sql, values).await.map(drop)
}

/// Whether a cookie opens a port now.
pub async fn find_session(
    db: &impl Db,
    hash: SecretHash,
    workspace: WorkspaceId,
    port: u16,
    now: i64,
) -> Result<Option<Opened>, DbError> {
    let sql = concat!(
        "SELECT t.account_id, t.user_id, t.session_id, t.api_token_id, 0 AS read_only, ",
        node!("t"),
        " AS node_id FROM port_sessions t WHERE t.token_hash = ?2 AND t.expires_at > ?1 AND t.workspace_id = ?3 \
          AND t.port = ?4 AND ",
        holder_may!(),
        " AND ",
        node!("t"),
        " IS NOT NULL"
    );
    let row = db.row(sql, params![now, hash, workspace, u32::from(port)]).await?;
    row.as_ref().map(opened).transpose()
}

/// Forgets what is over.
pub async fn prune(db: &impl Db, now: i64) -> Result<(), DbError> {
    db.query("DELETE FROM tickets WHERE expires_at < ?", params![now])
        .await?;
    db.query("DELETE FROM port_sessions WHERE expires_at < ?", params![now])
        .await
        .map(drop)
}

fn opened(row: &Row) -> Result<Opened, DbError> {
    Ok(Opened {
        node_id: row.parse("node_id")?,
        holder: Holder {
            account_id: row.parse("account_id")?,
            user_id: row.parse("user_id")?,
            session_id: row.parse_opt("session_id")?,
            api_token_id: row.parse_opt("api_token_id")?,
        },
        read_only: row.get("read_only")?,
    })
}
