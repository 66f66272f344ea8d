//! The route table. A route that is not here does not exist.

use crate::agent::api;
use crate::agent::desired::{Desired, DesiredQuery};
use crate::agent::enrol::{Enrol, Enrolled, Start, Started, TunnelQuery};
use crate::agent::observed::{Observed, ObservedTaken};
use crate::agent::outbox::{AskCredential, GitCredential, Outbox, Taken};
use crate::audit::AuditAction as Act;
use crate::http::account::ProfilePatch;
use crate::http::admin::{AuditEntry, AuditQuery, DeadLetter};
use crate::http::auth::{Login, LoginLink, Me, Session};
use crate::http::discovery::{Jwks, OpenApiDocument};
use crate::http::edge::{Admit, Admitted, LocalNode, TunnelChange};
use crate::http::events::EventQuery;
use crate::http::health::{AdminHealth, Health};
use crate::http::invites::{CreateInvite, Invite, NewInvite};
use crate::http::nodes::{AgentVersion, CreateNode, DeleteNode, DownloadQuery, NewNode, Node as NodeRow, RenameNode};
use crate::http::tokens::{ApiToken, CreateToken, NewToken};
use crate::http::users::{SetRole, Suspend, User as UserRow, UserQuery};
use crate::http::work::{Due, HostLink, HostLinkToken, Migrated};
use crate::http::workspaces::{
    BootLog, CreateTicket, CreateWorkspace, PatchWorkspace, Ticket, Workspace, WorkspaceQuery,
};
use crate::ids::{ApiTokenId, JobId, LoginLinkId, NodeId, SessionId, TerminalId, UserId, WorkspaceId};
use crate::page::{Page, PageQuery};
use crate::route::{
    Admin, AnySession, Binary, Body, Created, EventStream, Forwarded, Held, Method, NoContent, Node, Ops, Path,
    PathPair, PlainText, Public, Query, Route, RouteInfo, Script, Superadmin, User,
};

macro_rules! routes {
    ($($name:ident: $type:ty = $route:expr;)+) => {
        $(#[doc = concat!("`", stringify!($name), "`: its summary is in the table.")]
        pub const $name: $type = $route;)+

        /// All routes.
        pub const ROUTES: &[RouteInfo] = &[$($name.info()),+];
    };
}

routes! {
    // Signing in. Ten tries a minute are plenty for a person and hopeless against 256 bits.
    LOGIN: Route<Public, Body<Login>, Me> =
        Route::post("login", "identity", "/api/auth/login", Act::Login).at_most(10, 60)
            .about("Redeems a one-time link and starts a session.");
    LOGOUT: Route<AnySession, (), NoContent> =
        Route::post("logout", "identity", "/api/auth/logout", Act::Logout).sessions_only()
            .about("Ends the session of this request.");
    ME: Route<AnySession, (), Me> =
        Route::get("me", "identity", "/api/auth/me").stable()
            .about("Who the caller is. Answers pending users too.");
    LIST_SESSIONS: Route<User, (), Page<Session>> =
        Route::get("listSessions", "identity", "/api/auth/sessions")
            .about("The caller's sessions, newest first.");
    REVOKE_SESSION: Route<User, Path<SessionId>, NoContent> =
        Route::delete("revokeSession", "identity", "/api/auth/sessions/{id}", Act::SessionRevoke).sessions_only()
            .about("Ends one session of the caller.");
    REVOKE_SESSIONS: Route<User, (), NoContent> =
        Route::delete("revokeSessions", "identity", "/api/auth/sessions", Act::SessionRevokeAll).sessions_only()
            .about("Signs the caller out everywhere, here too.");
    CREATE_LOGIN_LINK: Route<User, (), Created<LoginLink>> =
        Route::post("createLoginLink", "identity", "/api/auth/login-links", Act::LoginLinkCreate)
            .sessions_only().at_most(20, 3600)
            .about("Makes a one-time link with which the caller signs in on another device.");

    PATCH_PROFILE: Route<User, Body<ProfilePatch>, UserRow> =
        Route::patch("patchProfile", "identity", "/api/account/profile", Act::ProfileUpdate)
            .about("Changes the caller's name or e-mail address.");

    LIST_TOKENS: Route<User, (), Page<ApiToken>> =
        Route::get("listTokens", "identity", "/api/tokens").stable()
            .about("The caller's API tokens, newest first.");
    CREATE_TOKEN: Route<User, Body<CreateToken>, Created<NewToken>> =
        Route::post("createToken", "identity", "/api/tokens", Act::TokenCreate).sessions_only().at_most(60, 3600)
            .about("Makes an API token; the secret is in this answer only.");
    REVOKE_TOKEN: Route<User, Path<ApiTokenId>, NoContent> =
        Route::delete("revokeToken", "identity", "/api/tokens/{id}", Act::TokenRevoke).sessions_only()
            .about("Revokes an API token.");

    LIST_USERS: Route<Admin, Query<UserQuery>, Page<UserRow>> =
        Route::get("listUsers", "identity", "/api/admin/users").stable()
            .about("All users, newest first.");
    APPROVE_USER: Route<Admin, Path<UserId>, UserRow> =
        Route::post("approveUser", "identity", "/api/admin/users/{id}/approve", Act::UserApprove).stable()
            .about("Lets a pending user in.");
    SUSPEND_USER: Route<Admin, (Path<UserId>, Body<Suspend>), UserRow> =
        Route::post("suspendUser", "identity", "/api/admin/users/{id}/suspend", Act::UserSuspend).stable()
            .about("Locks a user out and ends their sessions.");
    REINSTATE_USER: Route<Admin, Path<UserId>, UserRow> =
        Route::post("reinstateUser", "identity", "/api/admin/users/{id}/reinstate", Act::UserReinstate).stable()
            .about("Lets a suspended user back in.");
    SET_ROLE: Route<Superadmin, (Path<UserId>, Body<SetRole>), UserRow> =
        Route::put("setUserRole", "identity", "/api/admin/users/{id}/role", Act::UserRoleSet).stable()
            .about("Gives a user another role.");

    LIST_INVITES: Route<Admin, Query<PageQuery>, Page<Invite>> =
        Route::get("listInvites", "identity", "/api/admin/invites").stable()
            .about("Open invitations, newest first.");
    CREATE_INVITE: Route<Admin, Body<CreateInvite>, Created<NewInvite>> =
        Route::post("createInvite", "identity", "/api/admin/invites", Act::InviteCreate).sessions_only()
            .about("Makes a one-time invitation; the link is in this answer only.");
    REVOKE_INVITE: Route<Admin, Path<LoginLinkId>, NoContent> =
        Route::delete("revokeInvite", "identity", "/api/admin/invites/{id}", Act::InviteRevoke).stable()
            .about("Withdraws an invitation.");

    LIST_AUDIT: Route<Superadmin, Query<AuditQuery>, Page<AuditEntry>> =
        Route::get("listAudit", "ops", "/api/admin/audit").stable()
            .about("The audit log, newest first.");
    ADMIN_HEALTH: Route<Admin, (), AdminHealth> =
        Route::get("adminHealth", "ops", "/api/admin/health").stable()
            .about("Each part, queue and schema.");
    LIST_DEAD_LETTERS: Route<Admin, Query<PageQuery>, Page<DeadLetter>> =
        Route::get("listDeadLetters", "ops", "/api/admin/dead-letters").stable()
            .about("Jobs that failed too often, newest first.");
    RETRY_DEAD_LETTER: Route<Admin, Path<JobId>, NoContent> =
        Route::post("retryDeadLetter", "ops", "/api/admin/dead-letters/{id}/retry", Act::JobRetry).stable()
            .about("Puts a parked job back into its queue.");

    EVENTS: Route<User, Query<EventQuery>, EventStream> =
        Route::get("events", "ops", "/api/events").stable()
            .about("Server-sent events of the caller's account; the cursor is `after` or `Last-Event-ID`.");
    OPENAPI: Route<Public, (), OpenApiDocument> =
        Route::get("openapi", "ops", "/api/openapi.json").stable()
            .about("This document.");
    JWKS: Route<Public, (), Jwks> =
        Route::get("jwks", "ops", "/.well-known/jwks.json").stable()
            .about("Public keys with which signed tokens are checked.");
    HEALTH: Route<Public, (), Health> =
        Route::get("health", "ops", "/health").stable()
            .about("Whether the system is well; 503 with the failing parts when it is not.");

    LIST_NODES: Route<User, Query<PageQuery>, Page<NodeRow>> =
        Route::get("listNodes", "nodes", "/api/nodes").stable()
            .about("The account's nodes, newest first.");
    CREATE_NODE: Route<User, Body<CreateNode>, Created<NewNode>> =
        Route::post("createNode", "nodes", "/api/nodes", Act::NodeCreate).stable().at_most(60, 3600)
            .about("Makes a node and the command with which a machine becomes it; the token is in this answer only.");
    GET_NODE: Route<User, Path<NodeId>, NodeRow> =
        Route::get("getNode", "nodes", "/api/nodes/{id}").stable()
            .about("One node of the account.");
    RENAME_NODE: Route<User, (Path<NodeId>, Body<RenameNode>), NodeRow> =
        Route::patch("renameNode", "nodes", "/api/nodes/{id}", Act::NodeRename).stable()
            .about("Gives a node another name.");
    CREATE_NODE_TOKEN: Route<User, Path<NodeId>, Created<NewNode>> =
        Route::post("createNodeToken", "nodes", "/api/nodes/{id}/token", Act::NodeTokenCreate).stable().at_most(60, 3600)
            .about("Makes another command for a node whose machine has not joined yet.");
    DRAIN_NODE: Route<User, Path<NodeId>, NodeRow> =
        Route::post("drainNode", "nodes", "/api/nodes/{id}/drain", Act::NodeDrain).stable()
            .about("Lets a node take no new workspaces.");
    RESUME_NODE: Route<User, Path<NodeId>, NodeRow> =
        Route::post("resumeNode", "nodes", "/api/nodes/{id}/resume", Act::NodeResume).stable()
            .about("Lets a drained node take workspaces again.");
    DELETE_NODE: Route<User, (Path<NodeId>, Query<DeleteNode>), NoContent> =
        Route::delete("deleteNode", "nodes", "/api/nodes/{id}", Act::NodeDelete).stable()
            .about("Deletes a node without workspaces, or forgets it with `force`.");
    NODE_REMOTE: Route<User, (Path<NodeId>, Query<api::RemoteQuery>), Forwarded<api::GitRemote>> =
        Route::get("nodeGitRemote", "nodes", "/api/nodes/{id}/git/remote")
            .about("Branches of a repository, as the node sees it.");
    AGENT_INSTALL: Route<Public, (), Script> =
        Route::get("agentInstall", "nodes", "/api/agent/install").stable()
            .about("The script that installs an agent and lets the machine join.");
    AGENT_DOWNLOAD: Route<Public, Query<DownloadQuery>, Binary> =
        Route::get("agentDownload", "nodes", "/api/agent/download").stable()
            .about("The agent's binary for a machine.");
    AGENT_VERSION: Route<Public, (), AgentVersion> =
        Route::get("agentVersion", "nodes", "/api/agent/version").stable()
            .about("Version and digests of the agent that this control plane hands out.");

    LIST_WORKSPACES: Route<User, Query<WorkspaceQuery>, Page<Workspace>> =
        Route::get("listWorkspaces", "workspaces", "/api/workspaces").stable()
            .about("The account's workspaces, newest first.");
    CREATE_WORKSPACE: Route<User, Body<CreateWorkspace>, Created<Workspace>> =
        Route::post("createWorkspace", "workspaces", "/api/workspaces", Act::WorkspaceCreate).stable().at_most(120, 3600)
            .about("Makes a workspace and starts it.");
    GET_WORKSPACE: Route<User, Path<WorkspaceId>, Workspace> =
        Route::get("getWorkspace", "workspaces", "/api/workspaces/{id}").stable()
            .about("One workspace of the account.");
    PATCH_WORKSPACE: Route<User, (Path<WorkspaceId>, Body<PatchWorkspace>), Workspace> =
        Route::patch("patchWorkspace", "workspaces", "/api/workspaces/{id}", Act::WorkspaceUpdate).stable()
            .about("Changes a workspace's name or idle time.");
    STOP_WORKSPACE: Route<User, Path<WorkspaceId>, Workspace> =
        Route::post("stopWorkspace", "workspaces", "/api/workspaces/{id}/stop", Act::WorkspaceStop).stable()
            .about("Ends what runs in a workspace; files are kept.");
    START_WORKSPACE: Route<User, Path<WorkspaceId>, Workspace> =
        Route::post("startWorkspace", "workspaces", "/api/workspaces/{id}/start", Act::WorkspaceStart).stable()
            .about("Starts a stopped workspace, or one whose start failed.");
    RESTART_WORKSPACE: Route<User, Path<WorkspaceId>, Workspace> =
        Route::post("restartWorkspace", "workspaces", "/api/workspaces/{id}/restart", Act::WorkspaceRestart).stable()
            .about("Ends what runs and starts again.");
    REBUILD_WORKSPACE: Route<User, Path<WorkspaceId>, Workspace> =
        Route::post("rebuildWorkspace", "workspaces", "/api/workspaces/{id}/rebuild", Act::WorkspaceRebuild).stable()
            .about("Starts again with a new image and container; files are kept.");
    DELETE_WORKSPACE: Route<User, Path<WorkspaceId>, Workspace> =
        Route::delete("deleteWorkspace", "workspaces", "/api/workspaces/{id}", Act::WorkspaceDelete).stable()
            .about("Deletes a workspace with its files; `deleted` once the node has confirmed it.");
    WORKSPACE_BOOT: Route<User, Path<WorkspaceId>, BootLog> =
        Route::get("workspaceBoot", "workspaces", "/api/workspaces/{id}/boot").stable()
            .about("The steps of the newest start.");
    WORKSPACE_STEP_LOG: Route<User, (Path<WorkspaceId>, Query<api::StepLogQuery>), Forwarded<PlainText>> =
        Route::get("workspaceStepLog", "workspaces", "/api/workspaces/{id}/boot/log").stable()
            .about("The whole log of one step.");
    CREATE_TICKET: Route<User, (Path<WorkspaceId>, Body<CreateTicket>), Created<Ticket>> =
        Route::post("createTicket", "workspaces", "/api/workspaces/{id}/tickets", Act::TicketCreate).at_most(600, 60)
            .about("Makes a one-time ticket to a terminal or port.");
    LIST_TERMINALS: Route<User, Path<WorkspaceId>, Forwarded<api::Terminals>> =
        Route::get("listTerminals", "workspaces", "/api/workspaces/{id}/terminals").stable()
            .about("Terminals of a workspace, oldest first.");
    CREATE_TERMINAL: Route<User, (Path<WorkspaceId>, Body<api::NewTerminal>), Forwarded<Created<api::Terminal>>> =
        Route::post("createTerminal", "workspaces", "/api/workspaces/{id}/terminals", Act::TerminalCreate).stable()
            .about("Opens a terminal.");
    RENAME_TERMINAL:
        Route<User, (PathPair<WorkspaceId, TerminalId>, Body<api::RenameTerminal>), Forwarded<api::Terminal>> =
        Route::patch("renameTerminal", "workspaces", "/api/workspaces/{id}/terminals/{part}", Act::TerminalRename).stable()
            .about("Gives a terminal's tab another name.");
    CLOSE_TERMINAL: Route<User, PathPair<WorkspaceId, TerminalId>, Forwarded<NoContent>> =
        Route::delete("closeTerminal", "workspaces", "/api/workspaces/{id}/terminals/{part}", Act::TerminalClose).stable()
            .about("Ends a terminal and what runs in it.");
    GIT_STATUS: Route<User, Path<WorkspaceId>, Forwarded<api::GitStatus>> =
        Route::get("gitStatus", "workspaces", "/api/workspaces/{id}/git/status").stable()
            .about("State of the working copy.");
    GIT_DIFF: Route<User, (Path<WorkspaceId>, Query<api::DiffQuery>), Forwarded<PlainText>> =
        Route::get("gitDiff", "workspaces", "/api/workspaces/{id}/git/diff").stable()
            .about("Changes of the working copy, as a unified diff.");
    LIST_FILES: Route<User, (Path<WorkspaceId>, Query<api::PathQuery>), Forwarded<api::Files>> =
        Route::get("listFiles", "workspaces", "/api/workspaces/{id}/files").stable()
            .about("What is in a folder of the working copy.");
    READ_FILE: Route<User, (Path<WorkspaceId>, Query<api::PathQuery>), Forwarded<Binary>> =
        Route::get("readFile", "workspaces", "/api/workspaces/{id}/file").stable()
            .about("The content of a file.");
    WRITE_FILE: Route<User, (Path<WorkspaceId>, (Query<api::PathQuery>, Held)), Forwarded<NoContent>> =
        Route::put("writeFile", "workspaces", "/api/workspaces/{id}/file", Act::FileWrite).stable()
            .about("Writes a file; `if-match` with its etag guards against overwriting another's change.");
    DELETE_FILE: Route<User, (Path<WorkspaceId>, Query<api::PathQuery>), Forwarded<NoContent>> =
        Route::delete("deleteFile", "workspaces", "/api/workspaces/{id}/file", Act::FileDelete).stable()
            .about("Deletes a file or folder.");
    CREATE_FOLDER: Route<User, (Path<WorkspaceId>, Query<api::PathQuery>), Forwarded<NoContent>> =
        Route::post("createFolder", "workspaces", "/api/workspaces/{id}/files/mkdir", Act::FolderCreate).stable()
            .about("Makes a folder.");
    RENAME_FILE: Route<User, (Path<WorkspaceId>, Query<api::RenameQuery>), Forwarded<NoContent>> =
        Route::post("renameFile", "workspaces", "/api/workspaces/{id}/files/rename", Act::FileRename).stable()
            .about("Moves a file or folder.");

    // Agents on nodes, see `agent`.
    AGENT_ENROL: Route<Public, Body<Enrol>, Enrolled> =
        Route::post("agentEnrol", "nodes", "/api/agent/v1/enrol", Act::NodeEnrol).for_agents().at_most(30, 60)
            .about("Redeems a one-time token with a public key.");
    AGENT_START: Route<Node, Body<Start>, Started> =
        Route::agent("agentStart", "nodes", Method::Post, "/api/agent/v1/start")
            .about("Begins an agent process and gives it its epoch.");
    AGENT_DESIRED: Route<Node, Query<DesiredQuery>, Desired> =
        Route::agent("agentDesired", "nodes", Method::Get, "/api/agent/v1/desired")
            .about("What is wanted of the node, held while nothing is new.");
    AGENT_OBSERVED: Route<Node, Body<Observed>, ObservedTaken> =
        Route::agent("agentObserved", "nodes", Method::Put, "/api/agent/v1/observed").body_max(1024 * 1024)
            .about("What is on the node.");
    AGENT_EVENTS: Route<Node, Body<Outbox>, Taken> =
        Route::agent("agentEvents", "workspaces", Method::Post, "/api/agent/v1/events").body_max(2 * 1024 * 1024)
            .about("What the node tells once.");
    AGENT_CREDENTIAL: Route<Node, Body<AskCredential>, GitCredential> =
        Route::agent("agentGitCredential", "workspaces", Method::Post, "/api/agent/v1/git-credential")
            .about("The credential of a workspace's repository, when git asks for it.");
    AGENT_TUNNEL: Route<Node, Query<TunnelQuery>, NoContent> =
        Route::agent("agentTunnel", "nodes", Method::Get, "/api/agent/v1/tunnel")
            .about("Tells the edge whose tunnel it is about to open.");

    // The edge and the host beside us.
    ADMIT: Route<Ops, Body<Admit>, Admitted> =
        Route::ask("admit", "workspaces", "/_work/admit")
            .about("Whether a request may pass to a workspace, and where to.");
    TUNNEL_CHANGE: Route<Ops, Body<TunnelChange>, NoContent> =
        Route::ask("tunnelChange", "nodes", "/_work/tunnel")
            .about("A node's tunnel opened or closed.");
    LOCAL_NODE: Route<Ops, (), LocalNode> =
        Route::post("localNode", "nodes", "/_work/local-node", Act::NodeLocal).host()
            .about("Lets the host's own machine join.");
    MIGRATE: Route<Ops, (), Migrated> =
        Route::post("migrate", "ops", "/_work/migrate", Act::SchemaMigrate).host()
            .about("Applies new migrations. The host serves nobody before it succeeded.");
    DUE: Route<Ops, (), Due> =
        Route::ask("due", "ops", "/_work/due")
            .about("Which queues have work.");
    HOST_LINK: Route<Ops, Body<HostLink>, HostLinkToken> =
        Route::post("hostLink", "identity", "/_work/login-link", Act::FirstRunLinkCreate).host()
            .about("Makes a one-time link for the operator.");
}
