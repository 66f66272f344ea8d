//! Error reports: one line in the log, one row in `observability`, written where the failure is handled.

use sam_contract::ids::{EventId, RequestId};

use crate::db::{self, Db};
use crate::{clock, ids, params};

/// Longest stored message: an error message is a sentence, not a dump.
const MESSAGE_BYTES_MAX: usize = 2_000;

/// Logs a failure of ours and keeps it. Best effort: reporting must not make things worse.
pub async fn failure(component: &'static str, place: &str, request_id: Option<RequestId>, message: &str) {
    log(component, place, request_id, message);
    let Ok(id) = ids::new::<EventId>() else { return };
    let message: String = message.chars().take(MESSAGE_BYTES_MAX).collect();
    let sql = "INSERT INTO errors (id, at, component, place, request_id, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let params = params![id, clock::now(), component, place, request_id, message];
    if let Err(error) = db::OBSERVABILITY.query(sql, params).await {
        log(component, "errors table", request_id, &error.to_string());
    }
}

/// Standard error is the component's log; the host adds time, component and request.
#[expect(
    clippy::print_stderr,
    reason = "the host reads a component's log from its standard error"
)]
fn log(component: &str, place: &str, request_id: Option<RequestId>, message: &str) {
    let request_id = request_id.map(|id| id.to_string());
    let line = serde_json::json!({
        "level": "error", "component": component, "place": place, "request_id": request_id, "message": message,
    });
    eprintln!("{line}");
}
