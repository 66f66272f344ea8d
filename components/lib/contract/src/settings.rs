//! The settings table: the only place that defines a setting. `spin.toml`, the docs and the host are compared with it.

/// How a setting's text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number from `min` to `max`.
    Count {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// An absolute `http` or `https` URL, or empty.
    Url,
    /// JSON whose shape the sentence names.
    Json,
}

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Name of the `spin.toml` variable.
    pub name: &'static str,
    /// How its text is read.
    pub kind: Kind,
    /// Its value when the operator says nothing; none means that it is required.
    pub default: Option<&'static str>,
    /// Whether it must never be shown or logged.
    pub secret: bool,
    /// Who reads it: `vault` itself, or through it the component named.
    pub reader: &'static str,
    /// What it does.
    pub sentence: &'static str,
}

impl Setting {
    const fn new(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        reader: &'static str,
        about: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            default: Some(default),
            secret: false,
            reader,
            sentence: about,
        }
    }

    const fn required_secret(name: &'static str, kind: Kind, reader: &'static str, sentence: &'static str) -> Self {
        Self {
            name,
            kind,
            default: None,
            secret: true,
            reader,
            sentence,
        }
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

const fn count(min: i64, max: i64) -> Kind {
    Kind::Count { min, max }
}

macro_rules! settings {
    ($($name:ident = $setting:expr;)+) => {
        $(#[doc = concat!("`", stringify!($name), "`: its sentence is in the table.")]
        pub const $name: Setting = $setting;)+

        /// All settings.
        pub const SETTINGS: &[Setting] = &[$($name),+];
    };
}

settings! {
    VAULT_KEYS = Setting::required_secret("vault_keys", Kind::Json, "vault",
        "Key ring: {\"seal\":[{id,key,active}],\"sign\":[{id,seed,active}]}. `sam-host` makes it at the first run.");
    OPS_TOKEN = Setting::required_secret("ops_token", Kind::Text, "kit",
        "Bearer token of the scheduler for `/_work/...`. `sam-host` makes it at the first run.");
    PUBLIC_URL = Setting::new("public_url", Kind::Url, "", "kit",
        "Origin under which browsers reach the system; empty means the request's own host.");
    INSECURE_HTTP = Setting::new("insecure_http", Kind::Flag, "false", "kit",
        "Allow sessions over plain HTTP from hosts other than loopback.");
    REQUIRE_APPROVAL = Setting::new("require_approval", Kind::Flag, "true", "identity",
        "New users wait for an administrator.");
    GRIP_URL = Setting::new("grip_url", Kind::Url, "", "kit",
        "Where to publish stream hints when a GRIP proxy other than `sam-host` stands in front.");
    SESSION_DAYS = Setting::new("session_days", count(1, 365), "30", "identity",
        "Days after which a session ends.");
    LOGIN_LINK_MINUTES = Setting::new("login_link_minutes", count(1, 1440), "15", "identity",
        "Minutes for which a one-time sign-in link is valid.");
    INVITE_DAYS = Setting::new("invite_days", count(1, 90), "7", "identity",
        "Days for which an invitation is valid.");
    API_TOKENS_MAX = Setting::new("api_tokens_max", count(1, 1000), "50", "identity",
        "API tokens that one user may have.");
    DONE_JOB_DAYS = Setting::new("done_job_days", count(1, 90), "2", "ops",
        "Days for which done jobs are kept.");
    ERROR_DAYS = Setting::new("error_days", count(1, 365), "14", "ops",
        "Days for which error reports are kept.");
    S3_ENDPOINT = Setting::new("s3_endpoint", Kind::Url, "", "kit",
        "Object store; empty means none.");
    S3_BUCKET = Setting::new("s3_bucket", Kind::Text, "sam", "kit", "Bucket of the object store.");
    S3_REGION = Setting::new("s3_region", Kind::Text, "us-east-1", "kit", "Region that signatures name.");
    S3_ACCESS_KEY = Setting::new("s3_access_key", Kind::Text, "", "kit", "Access key of the object store.");
    S3_SECRET_KEY = Setting::new("s3_secret_key", Kind::Text, "", "kit", "Secret key of the object store.").secret();
    WORKSPACE_DOMAIN = Setting::new("workspace_domain", Kind::Text, "", "workspaces",
        "Domain below which workspaces have their hosts (`ws-<id>.<domain>`), with the port if it is not the usual one.");
    NODES_MAX = Setting::new("nodes_max", count(1, 10_000), "20", "nodes",
        "Nodes that one account may have.");
    ENROL_MINUTES = Setting::new("enrol_minutes", count(1, 1440), "15", "nodes",
        "Minutes for which the command that lets a machine join is valid.");
    NODE_STALE_SECONDS = Setting::new("node_stale_seconds", count(15, 3600), "30", "nodes",
        "Seconds without a report after which a node is shown as stale.");
    NODE_UNREACHABLE_SECONDS = Setting::new("node_unreachable_seconds", count(30, 86_400), "90", "nodes",
        "Seconds without a report after which a node is unreachable.");
    WARM_CONTAINERS = Setting::new("warm_containers", count(0, 20), "1", "nodes",
        "Containers that each node keeps ready for the next workspaces.");
    WORKSPACES_PER_NODE_MAX = Setting::new("workspaces_per_node_max", count(1, 1000), "20", "workspaces",
        "Workspaces that one node may hold.");
    WORKSPACES_PER_USER_MAX = Setting::new("workspaces_per_user_max", count(1, 1000), "20", "workspaces",
        "Workspaces that one user may have.");
    WORKSPACE_START_MINUTES = Setting::new("workspace_start_minutes", count(1, 240), "30", "workspaces",
        "Minutes after which a start that is not over has failed.");
    WORKSPACE_IDLE_MINUTES = Setting::new("workspace_idle_minutes", count(0, 10_080), "120", "workspaces",
        "Minutes without terminal input or agent work after which a workspace is stopped, unless it says otherwise; 0 for never.");
    WORKSPACE_CPU_MILLI = Setting::new("workspace_cpu_milli", count(0, 1_000_000), "0", "workspaces",
        "Thousandths of a core that a workspace may use, unless it says otherwise; 0 for no limit.");
    WORKSPACE_MEMORY_MIB = Setting::new("workspace_memory_mib", count(0, 10_000_000), "0", "workspaces",
        "MiB of memory that a workspace may use, unless it says otherwise; 0 for no limit.");
    WORKSPACE_PIDS = Setting::new("workspace_pids", count(0, 1_000_000), "4096", "workspaces",
        "Processes that a workspace may have, unless it says otherwise; 0 for no limit.");
}

/// The setting of that name.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}
