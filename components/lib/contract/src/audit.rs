//! The names under which the audit log keeps what was done.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:tt;)+) => {
        /// An audited action. The texts are stored and hashed: never change one, add another.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        pub enum AuditAction {
            $($(#[doc = $doc])+ #[serde(rename = $text)] $name,)+
        }

        impl AuditAction {
            /// All of them, in the order of this file.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// As stored.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

actions! {
    /// Signed in with a one-time link.
    Login = "auth.login";
    /// Signed out.
    Logout = "auth.logout";
    /// Ended one session.
    SessionRevoke = "auth.session.revoke";
    /// Ended all sessions.
    SessionRevokeAll = "auth.session.revoke_all";
    /// Made a link to sign in on another device.
    LoginLinkCreate = "auth.login_link.create";
    /// The host made the first-run link.
    FirstRunLinkCreate = "auth.first_run_link.create";
    /// Changed the own name or e-mail address.
    ProfileUpdate = "account.profile.update";
    /// Made an API token.
    TokenCreate = "token.create";
    /// Revoked an API token.
    TokenRevoke = "token.revoke";
    /// Let a pending user in.
    UserApprove = "user.approve";
    /// Locked a user out.
    UserSuspend = "user.suspend";
    /// Let a suspended user back in.
    UserReinstate = "user.reinstate";
    /// Gave a user another role.
    UserRoleSet = "user.role.set";
    /// Made an invitation.
    InviteCreate = "invite.create";
    /// Withdrew an invitation.
    InviteRevoke = "invite.revoke";
    /// Put a dead letter back into its queue.
    JobRetry = "job.retry";
    /// Applied migrations.
    SchemaMigrate = "schema.migrate";
    /// Made a node.
    NodeCreate = "node.create";
    /// Renamed a node.
    NodeRename = "node.rename";
    /// Made another command with which a machine joins.
    NodeTokenCreate = "node.token.create";
    /// Let a node take no new workspaces.
    NodeDrain = "node.drain";
    /// Let a node take workspaces again.
    NodeResume = "node.resume";
    /// Deleted a node.
    NodeDelete = "node.delete";
    /// A machine joined.
    NodeEnrol = "node.enrol";
    /// The host let its own machine join.
    NodeLocal = "node.local";
    /// Made a workspace.
    WorkspaceCreate = "workspace.create";
    /// Changed a workspace's name or idle time.
    WorkspaceUpdate = "workspace.update";
    /// Stopped a workspace.
    WorkspaceStop = "workspace.stop";
    /// Started a workspace, again or after a failure.
    WorkspaceStart = "workspace.start";
    /// Restarted a workspace.
    WorkspaceRestart = "workspace.restart";
    /// Gave a workspace a new container.
    WorkspaceRebuild = "workspace.rebuild";
    /// Deleted a workspace.
    WorkspaceDelete = "workspace.delete";
    /// Made a ticket to a terminal or port.
    TicketCreate = "workspace.ticket.create";
    /// Opened a terminal.
    TerminalCreate = "workspace.terminal.create";
    /// Renamed a terminal.
    TerminalRename = "workspace.terminal.rename";
    /// Closed a terminal.
    TerminalClose = "workspace.terminal.close";
    /// Wrote a file.
    FileWrite = "workspace.file.write";
    /// Deleted a file or folder.
    FileDelete = "workspace.file.delete";
    /// Made a folder.
    FolderCreate = "workspace.folder.create";
    /// Moved a file or folder.
    FileRename = "workspace.file.rename";
}

/// How an audited request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// The caller may not, or asked for something that cannot be done.
    Refused,
    /// It failed on our side.
    Failed,
}

impl AuditOutcome {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// The outcome that an HTTP status tells of.
    pub const fn of_status(status: u16) -> Self {
        match status {
            0..400 => Self::Done,
            400..500 => Self::Refused,
            _ => Self::Failed,
        }
    }
}
