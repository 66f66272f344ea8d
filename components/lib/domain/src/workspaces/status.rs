//! The words for what a workspace is, what is wanted of it, and why: as they are stored and shown.

/// Where a workspace is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Its node has not taken it up yet.
    Queued,
    /// Its start is under way.
    Starting,
    /// It can be worked in.
    Running,
    /// Its end is under way.
    Stopping,
    /// Files kept, nothing runs.
    Stopped,
    /// What was wanted failed, or was not confirmed in time.
    Failed,
    /// Its deletion is under way.
    Deleting,
    /// Gone.
    Deleted,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Starting,
        Self::Running,
        Self::Stopping,
        Self::Stopped,
        Self::Failed,
        Self::Deleting,
        Self::Deleted,
    ];

    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }

    /// The status of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether it waits for the node, and so has a deadline.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Queued | Self::Starting | Self::Stopping | Self::Deleting)
    }
}

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Desire {
    /// That it runs.
    Running,
    /// That nothing runs and files are kept.
    Stopped,
    /// That it is gone with everything.
    Deleted,
}

impl Desire {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Running, Self::Stopped, Self::Deleted];

    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Deleted => "deleted",
        }
    }

    /// The desire of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|desire| desire.as_str() == name)
    }
}

/// Why a workspace is as it is, where that does not go without saying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nobody worked in it.
    Idle,
    /// Its node was forgotten.
    NodeForgotten,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Idle, Self::NodeForgotten];

    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::NodeForgotten => "node-forgotten",
        }
    }

    /// The cause of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == name)
    }

    /// For people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Idle => "It was stopped because nobody worked in it; its files are kept.",
            Self::NodeForgotten => "Its node was forgotten; what is on the machine stays there.",
        }
    }
}
