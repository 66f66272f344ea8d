//! Users, as `nodes` needs them.

use sam_contract::ids::AccountId;

use crate::db::{Db, DbError};
use crate::params;

/// The account of the superadministrator of longest standing, whom the operator signs in as.
///
/// # Errors
/// When the database fails.
pub async fn operator_account(db: &impl Db) -> Result<Option<AccountId>, DbError> {
    let sql = "SELECT account_id FROM users WHERE role = 'superadmin' AND status = 'active' ORDER BY created_at, id \
        LIMIT 1";
    db.row(sql, params![])
        .await?
        .map(|row| row.parse("account_id"))
        .transpose()
}
