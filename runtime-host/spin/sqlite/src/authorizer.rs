//! What SQL compiled for a guest may touch, asked by SQLite itself while it compiles a statement.
//!
//! The authorizer sees the meaning of a statement, not its text, so comments and quoting cannot fool it. It does
//! not see conflict clauses; `ON CONFLICT ROLLBACK` and `RAISE(ROLLBACK)` are looked for in the text
//! (`statement.rs`), and the writer survives them even so.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::Error;

/// The temporary table through which the writer sets `last_insert_rowid()` (see `writer/engine.rs`).
pub(crate) const ROWID_TABLE: &str = "spin_host_rowid";

/// PRAGMAs that only tell something; those of the second list take the name of a table, index or a number.
const PRAGMAS: &[&str] = &[
    "application_id",
    "busy_timeout",
    "collation_list",
    "compile_options",
    "data_version",
    "encoding",
    "foreign_key_check",
    "foreign_keys",
    "freelist_count",
    "function_list",
    "integrity_check",
    "journal_mode",
    "module_list",
    "page_count",
    "page_size",
    "pragma_list",
    "quick_check",
    "recursive_triggers",
    "schema_version",
    "synchronous",
    "table_list",
    "user_version",
];
const PRAGMAS_WITH_ARGUMENT: &[&str] = &[
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// The policy of one SQLite connection.
#[derive(Clone)]
pub(crate) struct Policy(Arc<State>);

/// Which kind of SQLite connection a policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Reader,
    Writer,
}

struct State {
    role: Role,
    /// Set while the host runs its own statements (BEGIN, SAVEPOINT, …).
    own: AtomicBool,
    /// Set inside a guest's explicit transaction, where transaction statements are its own affair.
    transaction: AtomicBool,
    /// Why the last statement was refused; SQLite itself only says "not authorized".
    reason: Mutex<Option<String>>,
}

impl Policy {
    /// Installs a policy for guests on `connection`.
    pub(crate) fn install(connection: &mut Connection, role: Role) -> Result<Self, rusqlite::Error> {
        let policy = Self(Arc::new(State {
            role,
            own: AtomicBool::new(false),
            transaction: AtomicBool::new(false),
            reason: Mutex::new(None),
        }));
        let hook = policy.clone();
        connection.authorizer(Some(move |context: AuthContext<'_>| hook.judge(&context)))?;
        Ok(policy)
    }

    /// Runs `work` with the host's own rights.
    pub(crate) fn as_host<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.own.store(true, Ordering::Relaxed);
        let result = work();
        self.0.own.store(false, Ordering::Relaxed);
        result
    }

    /// Says whether the statements that follow belong to a guest's explicit transaction.
    pub(crate) fn set_transaction(&self, open: bool) {
        self.0.transaction.store(open, Ordering::Relaxed);
    }

    /// Puts the reason in place of SQLite's "not authorized".
    pub(crate) fn explain(&self, error: Error) -> Error {
        let reason = self.0.reason.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (error, reason) {
            (Error::Refused(_) | Error::Sql(_), Some(reason)) => Error::Refused(reason),
            (error, _) => error,
        }
    }

    fn judge(&self, context: &AuthContext<'_>) -> Authorization {
        if self.0.own.load(Ordering::Relaxed) {
            return Authorization::Allow;
        }
        match refusal(context, self.0.role, self.0.transaction.load(Ordering::Relaxed)) {
            None => Authorization::Allow,
            Some(reason) => {
                *self.0.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
                Authorization::Deny
            }
        }
    }
}

fn refusal(context: &AuthContext<'_>, role: Role, in_transaction: bool) -> Option<String> {
    match context.action {
        AuthAction::Attach { .. } => {
            Some("ATTACH and VACUUM are not allowed: a guest reaches only its own databases".into())
        }
        AuthAction::Detach { .. } => Some("DETACH is not allowed".into()),
        AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. } => {
            Some("temporary tables, views and triggers are not allowed: all guests share one writing connection".into())
        }
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } if !in_transaction => {
            Some("a transaction statement cannot be part of another statement".into())
        }
        AuthAction::Pragma {
            pragma_name,
            pragma_value,
        } => pragma(pragma_name, pragma_value),
        AuthAction::Function { function_name } => function(function_name, role, context.accessor.is_some()),
        AuthAction::Insert { table_name }
        | AuthAction::Delete { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Read { table_name, .. }
        | AuthAction::DropTempTable { table_name }
            if table_name == ROWID_TABLE =>
        {
            Some(format!("the table name {ROWID_TABLE} is reserved"))
        }
        _ => None,
    }
}

fn pragma(name: &str, value: Option<&str>) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let allowed = match value.map(str::to_ascii_lowercase) {
        None => PRAGMAS.contains(&name.as_str()),
        // Guests written for other hosts ask for what is always so here.
        Some(value) if name == "journal_mode" => value == "wal",
        Some(value) if name == "foreign_keys" => matches!(value.as_str(), "on" | "1" | "true" | "yes"),
        Some(_) => PRAGMAS_WITH_ARGUMENT.contains(&name.as_str()),
    };
    (!allowed).then(|| match value {
        None => format!("PRAGMA {name} is not allowed"),
        Some(value) => format!("PRAGMA {name} = {value} is not allowed: the host sets the PRAGMAs of its databases"),
    })
}

/// Inside triggers SQLite itself keeps these right. `last_insert_rowid()` is also right in whatever the writer runs,
/// because the writer sets it to the guest's own value first. Elsewhere they would speak of another guest; the plain
/// `SELECT` of them is answered by the connection (`statement.rs`).
fn function(name: &str, role: Role, in_trigger: bool) -> Option<String> {
    let foreign = match name.to_ascii_lowercase().as_str() {
        "load_extension" | "fts3_tokenizer" => return Some(format!("{name}() is not allowed")),
        "last_insert_rowid" => role == Role::Reader && !in_trigger,
        "changes" | "total_changes" => !in_trigger,
        _ => false,
    };
    foreign.then(|| format!("{name}() cannot be part of this statement: use RETURNING, or ask for it alone"))
}
