//! What an agent serves inside its tunnel, below `/v1`; only the edge reaches it. Its answers go to browsers unchanged.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ids::TerminalId;

/// A terminal of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Terminal {
    /// Which.
    pub id: TerminalId,
    /// Name of its tab.
    pub name: String,
    /// Made, epoch milliseconds.
    pub created_at: i64,
    /// Last input or output.
    #[schema(required)]
    pub active_at: Option<i64>,
    /// Size.
    pub cols: u16,
    /// Size.
    pub rows: u16,
    /// Whoever is attached now.
    pub viewers: u32,
    /// How its shell ended; null while it runs.
    #[schema(required)]
    pub exit: Option<TerminalExit>,
}

/// How a shell ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TerminalExit {
    /// Exit code; null when a signal ended it, or when nobody could see its end.
    #[schema(required)]
    pub code: Option<i32>,
    /// Signal.
    #[schema(required)]
    pub signal: Option<i32>,
    /// Its supervisor ended, and the shell with it.
    pub lost: bool,
}

/// All terminals of a workspace, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Terminals {
    /// The terminals.
    pub items: Vec<Terminal>,
}

/// Opens a terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTerminal {
    /// Name of its tab; made up without it.
    #[serde(default)]
    pub name: Option<String>,
    /// Folder below the working copy.
    #[serde(default)]
    pub cwd: Option<String>,
    /// Size; 80 × 24 until a viewer says another.
    #[serde(default)]
    pub cols: Option<u16>,
    /// Size.
    #[serde(default)]
    pub rows: Option<u16>,
}

/// Renames a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameTerminal {
    /// New name of its tab.
    pub name: String,
}

/// Names a place in the working copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PathQuery {
    /// Relative to the working copy, without `..`; empty for its root.
    #[serde(default)]
    pub path: String,
}

/// What a diff is of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DiffQuery {
    /// Only of this file.
    #[serde(default)]
    pub path: Option<String>,
    /// What is staged, instead of what is not.
    #[serde(default)]
    pub staged: bool,
}

/// Moves a file or folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RenameQuery {
    /// From there.
    pub from: String,
    /// To there; nothing may be there.
    pub to: String,
}

/// What is in a folder, folders first, then by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Files {
    /// The folder.
    pub path: String,
    /// What is in it.
    pub items: Vec<FileEntry>,
    /// Not all is shown.
    pub truncated: bool,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A socket, device or pipe.
    Other,
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: FileKind,
    /// Bytes.
    pub size: u64,
    /// Last change, epoch milliseconds.
    pub modified_at: i64,
}

/// State of the working copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GitStatus {
    /// Whether it is a git working copy at all.
    pub is_repository: bool,
    /// Branch; null when detached.
    #[schema(required)]
    pub branch: Option<String>,
    /// Commit.
    #[schema(required)]
    pub commit: Option<String>,
    /// Subject of the commit.
    #[schema(required)]
    pub subject: Option<String>,
    /// Branch of the remote that it follows.
    #[schema(required)]
    pub upstream: Option<String>,
    /// Commits that the upstream lacks.
    pub ahead: u32,
    /// Commits that only the upstream has.
    pub behind: u32,
    /// Changed files.
    pub files: Vec<GitFile>,
    /// Not all are shown.
    pub truncated: bool,
}

/// A changed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GitFile {
    /// Where it is.
    pub path: String,
    /// Where it was, when renamed.
    #[schema(required)]
    pub from: Option<String>,
    /// Letter of `git status` for the index: `M`, `A`, `D`, `R`, `C`, `T`, `U`, `?` or `.`.
    pub staged: String,
    /// Letter for the working copy.
    pub unstaged: String,
}

/// Which remote to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RemoteQuery {
    /// Git URL, or an absolute path on the node.
    pub url: String,
}

/// What a remote has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GitRemote {
    /// Its default branch; null when it is empty.
    #[schema(required)]
    pub default_branch: Option<String>,
    /// All branches.
    pub branches: Vec<String>,
    /// Not all are shown.
    pub truncated: bool,
}

/// Which log to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct StepLogQuery {
    /// Attempt; the newest without it.
    #[serde(default)]
    pub attempt: Option<i64>,
    /// Step.
    pub step: String,
}
