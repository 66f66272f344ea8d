//! Rows of `users`, and the `accounts` and `identities` that are made with them.

use sam_contract::ids::{AccountId, LoginLinkId, NotAnId, UserId};
use sam_domain::links::NewUser;
use sam_domain::users::{Role, Standing, Status};
use sam_kit::db::{Db, DbError, Row};
use sam_kit::effects::Written;
use sam_kit::params;

macro_rules! columns {
    () => {
        "id, account_id, name, email, role, status, status_reason, created_at, updated_at, version"
    };
}

/// A row of `users`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Id.
    pub id: UserId,
    /// The account that the user works in.
    pub account_id: AccountId,
    /// Shown name.
    pub name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// What administrators decide about.
    pub standing: Standing,
    /// When they came.
    pub created_at: i64,
    /// Counts changes.
    pub version: i64,
}

/// Where a list of users goes on: after this one, in the list's order.
pub type Place = (i64, UserId);

/// The user of that id.
pub async fn find(db: &impl Db, id: UserId) -> Result<Option<UserRow>, DbError> {
    let sql = concat!("SELECT ", columns!(), " FROM users WHERE id = ?");
    db.row(sql, params![id]).await?.as_ref().map(user).transpose()
}

/// The superadministrator that the operator signs in as: the one of longest standing.
pub async fn operator(db: &impl Db) -> Result<Option<UserRow>, DbError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM users WHERE role = 'superadmin' AND status = 'active' ORDER BY created_at, id LIMIT 1"
    );
    db.row(sql, params![]).await?.as_ref().map(user).transpose()
}

/// Whether there is an active superadministrator other than this user.
pub async fn superadmin_remains(db: &impl Db, without: UserId) -> Result<bool, DbError> {
    let sql = "SELECT id FROM users WHERE role = 'superadmin' AND status = 'active' AND id <> ? LIMIT 1";
    Ok(!db.query(sql, params![without]).await?.is_empty())
}

/// Users of all accounts, newest first: for administrators.
pub async fn list(
    db: &impl Db,
    status: Option<Status>,
    after: Option<Place>,
    rows: u32,
) -> Result<Vec<UserRow>, DbError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM users WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR (created_at, id) < (?2, ?3)) \
          ORDER BY created_at DESC, id DESC LIMIT ?4"
    );
    let (created_at, id) = after.unzip();
    let found = db
        .query(sql, params![status.map(Status::as_str), created_at, id, rows])
        .await?;
    found.iter().map(user).collect()
}

/// Writes a decision with its effects, if the row is still as it was decided about. `takes_power`: and if another
/// active superadministrator remains at that very moment. None when either does not hold any more.
pub async fn decide(
    db: &impl Db,
    was: &UserRow,
    next: &Standing,
    takes_power: bool,
    effects: &Written,
) -> Result<Option<UserRow>, DbError> {
    let sql = concat!(
        "UPDATE users SET role = ?1, status = ?2, status_reason = ?3, updated_at = ?4, effects = ?5, \
          version = version + 1 \
          WHERE id = ?6 AND version = ?7 AND (?8 = 0 OR EXISTS (SELECT 1 FROM users o \
            WHERE o.role = 'superadmin' AND o.status = 'active' AND o.id <> ?6)) \
          RETURNING ",
        columns!()
    );
    let (role, status) = (next.role.as_str(), next.status.as_str());
    let values = params![
        role,
        status,
        next.reason.as_deref(),
        next.updated_at,
        effects.column(),
        was.id,
        was.version,
        takes_power
    ];
    db.row(sql, values).await?.as_ref().map(user).transpose()
}

/// What a user changes about themself; none leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// New name.
    pub name: Option<String>,
    /// New address, or none at all.
    pub email: Option<Option<String>>,
}

/// Writes a profile. The last writer of a field wins, so there is no version to compare.
pub async fn change_profile(
    db: &impl Db,
    id: UserId,
    change: &ProfileChange,
    now: i64,
    effects: &Written,
) -> Result<Option<UserRow>, DbError> {
    let sql = concat!(
        "UPDATE users SET name = coalesce(?1, name), email = CASE WHEN ?2 THEN ?3 ELSE email END, \
          updated_at = ?4, effects = ?5, version = version + 1 WHERE id = ?6 RETURNING ",
        columns!()
    );
    let email = change.email.as_ref();
    let values = params![
        change.name.as_deref(),
        email.is_some(),
        email.and_then(Option::as_deref),
        now,
        effects.column(),
        id
    ];
    db.row(sql, values).await?.as_ref().map(user).transpose()
}

/// The ids of the account and of the user that redeeming a link makes: those of the link.
pub fn ids_of(link: LoginLinkId) -> Result<(AccountId, UserId), DbError> {
    let text = link.to_string();
    let of = |error: NotAnId| DbError::Column {
        column: "id".to_owned(),
        issue: error.to_string(),
    };
    Ok((text.parse().map_err(of)?, text.parse().map_err(of)?))
}

/// Makes the user that redeeming a link makes, with an account and an identity of the same id as the link, so that
/// redeeming again after a crash finds them instead of making them twice. Nothing is made when the link is used or
/// expired, nor a first user when there is a superadministrator. None then, unless they were made before.
pub async fn make(
    db: &impl Db,
    link: LoginLinkId,
    new: &NewUser,
    now: i64,
    effects: &Written,
) -> Result<Option<UserRow>, DbError> {
    let open = "SELECT 1 FROM login_links WHERE id = ?1 AND used_at IS NULL AND expires_at > ?2 \
        AND (purpose <> 'first-run' OR NOT EXISTS (SELECT 1 FROM users WHERE role = 'superadmin'))";
    let account = format!(
        "INSERT INTO accounts (id, kind, name, created_at) SELECT ?1, 'personal', ?3, ?2 WHERE EXISTS ({open}) \
         ON CONFLICT (id) DO NOTHING"
    );
    db.query(&account, params![link, now, new.name.as_str()]).await?;
    let insert = format!(
        "INSERT INTO users (id, account_id, name, email, role, status, created_at, updated_at, effects) \
         SELECT ?1, ?1, ?3, ?4, ?5, ?6, ?2, ?2, ?7 WHERE EXISTS ({open}) ON CONFLICT (id) DO NOTHING"
    );
    let (role, status) = (new.role.as_str(), new.status.as_str());
    db.query(
        &insert,
        params![
            link,
            now,
            new.name.as_str(),
            new.email.as_deref(),
            role,
            status,
            effects.column()
        ],
    )
    .await?;
    let identity = "INSERT INTO identities (id, user_id, provider, subject, created_at) \
        SELECT id, id, 'link', id, ?2 FROM users WHERE id = ?1 ON CONFLICT (id) DO NOTHING";
    db.query(identity, params![link, now]).await?;
    let sql = concat!("SELECT ", columns!(), " FROM users WHERE id = ?");
    db.row(sql, params![link]).await?.as_ref().map(user).transpose()
}

fn user(row: &Row) -> Result<UserRow, DbError> {
    let role = row.decode("role", Role::named)?;
    let status = row.decode("status", Status::named)?;
    Ok(UserRow {
        id: row.parse("id")?,
        account_id: row.parse("account_id")?,
        name: row.get("name")?,
        email: row.get("email")?,
        standing: Standing {
            role,
            status,
            reason: row.get("status_reason")?,
            updated_at: row.get("updated_at")?,
        },
        created_at: row.get("created_at")?,
        version: row.get("version")?,
    })
}
