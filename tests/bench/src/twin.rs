//! The floor to compare with: what `GET /api/tokens` does, written natively with axum and rusqlite over the same
//! database file. One connection a thread, cached statements, no framework around it: hard to beat on purpose.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use serde::Serialize;
use sha2::{Digest, Sha256};

#[derive(Serialize)]
struct Token {
    id: String,
    name: String,
    prefix: String,
    scopes: serde_json::Value,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
}

#[derive(Serialize)]
struct Page {
    items: Vec<Token>,
    next_cursor: Option<String>,
}

thread_local! {
    static CONNECTION: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

/// Serves the list on a free port of the loopback interface until killed; prints `ready: http://…`.
pub(crate) async fn serve(database: PathBuf) -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("ready: http://{}", listener.local_addr()?);
    let app = Router::new().route("/api/tokens", get(list)).with_state(database);
    axum::serve(
        axum::serve::ListenerExt::tap_io(listener, |stream| {
            // Without it keep-alive answers stall; a failure only costs speed.
            let _ = stream.set_nodelay(true);
        }),
        app,
    )
    .await?;
    Ok(())
}

async fn list(State(database): State<PathBuf>, headers: HeaderMap) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = bearer.and_then(|value| value.strip_prefix("Bearer ")) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    match on_this_thread(&database, |connection| tokens_of(connection, token)) {
        Ok(Some(page)) => Json(page).into_response(),
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// The guard's read and the list's read, as the component does them.
fn tokens_of(connection: &Connection, token: &str) -> Result<Option<Page>> {
    let hash = Sha256::digest(token.as_bytes());
    let mut guard = connection.prepare_cached(
        "SELECT u.id FROM api_tokens t JOIN users u ON u.id = t.user_id
         WHERE t.token_hash = ?1 AND t.revoked_at IS NULL AND u.status = 'active'",
    )?;
    let Some(user) = guard
        .query_row(params![hash.as_slice()], |row| row.get::<_, String>(0))
        .optional()?
    else {
        return Ok(None);
    };
    let mut list = connection.prepare_cached(
        "SELECT id, name, prefix, scopes, created_at, expires_at, last_used_at FROM api_tokens
         WHERE user_id = ?1 AND revoked_at IS NULL ORDER BY id DESC LIMIT 101",
    )?;
    let rows = list.query_map(params![user], |row| {
        let scopes: String = row.get(3)?;
        Ok(Token {
            id: row.get(0)?,
            name: row.get(1)?,
            prefix: row.get(2)?,
            scopes: serde_json::from_str(&scopes).unwrap_or_default(),
            created_at: row.get(4)?,
            expires_at: row.get(5)?,
            last_used_at: row.get(6)?,
        })
    })?;
    Ok(Some(Page {
        items: rows.collect::<Result<_, _>>()?,
        next_cursor: None,
    }))
}

fn on_this_thread<T>(database: &Path, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    CONNECTION.with(|cell| {
        let mut slot = cell.borrow_mut();
        if slot.is_none() {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            *slot = Some(Connection::open_with_flags(database, flags)?);
        }
        f(slot.as_ref().context("a connection was just opened")?)
    })
}
