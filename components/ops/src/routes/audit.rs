//! The audit log.

use sam_contract::http::admin::{AuditEntry, AuditQuery};
use sam_contract::page::{Page, page_rows};
use sam_contract::route::Query;
use sam_kit::call::Call;
use sam_kit::db::CORE;
use sam_kit::error::ApiError;
use sam_kit::guard::Principal;

use crate::store::audit;

/// `GET /api/admin/audit`. Not filtered by account: superadministrators answer for all of them.
pub(crate) async fn list(_: Principal, call: Call<Query<AuditQuery>>) -> Result<Page<AuditEntry>, ApiError> {
    let Query(query) = call.input;
    let before = match query.cursor.as_deref() {
        None => i64::MAX,
        Some(text) => text
            .parse()
            .map_err(|_| ApiError::bad_request(format!("cursor: `{text}` is not one of ours")))?,
    };
    let rows = page_rows(query.limit);
    let found = audit::list(&CORE, &query, before, rows).await?;
    Ok(Page::cut(found, rows, |entry| entry.seq.to_string()))
}
