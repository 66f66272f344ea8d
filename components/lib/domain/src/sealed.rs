//! Every column whose values the vault seals, once: what may be sealed, who owns it, and what has to be sealed anew
//! after a rotation of the keys (`kit::seal`).

/// A column of sealed values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedColumn {
    /// Its table. Table, row id and column are part of what is sealed: a value moved elsewhere does not open.
    pub table: &'static str,
    /// The column that names a row for ever: text, unique.
    pub id: &'static str,
    /// The column; its values are envelopes (BLOB) or NULL.
    pub column: &'static str,
    /// The component (of `spin.toml`) that writes the table, and so seals its values anew.
    pub component: &'static str,
}

/// User name and password for the repository of a workspace.
pub const GIT_CREDENTIAL: SealedColumn = SealedColumn {
    table: "workspaces",
    id: "id",
    column: "git_credential",
    component: "workspaces",
};

/// All of them.
pub const SEALED: &[SealedColumn] = &[GIT_CREDENTIAL];

/// The sealed columns that a component owns.
pub fn of(component: &str) -> impl Iterator<Item = &'static SealedColumn> {
    SEALED.iter().filter(move |column| column.component == component)
}
