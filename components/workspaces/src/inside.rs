//! What a node tells of a workspace beyond its status, as it is kept and shown.

use sam_contract::agent::desired::Isolation;
use sam_contract::agent::observed::{ObservedState, ObservedWorkspace, Port};
use sam_domain::workspaces::{Failure, Seen, Word};
use serde::{Deserialize, Serialize};

/// Longest kept text of a node, in characters: names, and a sentence or two.
const NAME_CHARS_MAX: usize = 300;
const SENTENCE_CHARS_MAX: usize = 2_000;

/// Ports that are kept.
const PORTS_MAX: usize = 100;

/// Facts of a workspace. Added fields have defaults: rows of an older version are read, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Inside {
    pub(crate) isolation: Option<Isolation>,
    pub(crate) image: Option<String>,
    pub(crate) recovery: Option<String>,
    pub(crate) branch: Option<String>,
    pub(crate) step: Option<String>,
    pub(crate) terminals: u32,
    pub(crate) ports: Vec<Port>,
}

impl Inside {
    /// As kept; nothing when it cannot be read, until the node tells again.
    pub(crate) fn read(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }

    pub(crate) fn of(seen: &ObservedWorkspace) -> Self {
        let cut = |text: &Option<String>, chars| text.as_ref().map(|text| text.chars().take(chars).collect());
        Self {
            isolation: seen.isolation,
            image: cut(&seen.image, NAME_CHARS_MAX),
            recovery: cut(&seen.recovery, SENTENCE_CHARS_MAX),
            branch: cut(&seen.branch, NAME_CHARS_MAX),
            step: cut(&seen.step, NAME_CHARS_MAX),
            terminals: seen.terminals,
            ports: seen.ports.iter().take(PORTS_MAX).cloned().collect(),
        }
    }

    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A node's word as `domain` takes it.
pub(crate) fn word(seen: &ObservedWorkspace) -> Word {
    Word {
        generation: seen.generation,
        attempt: seen.attempt,
        seen: match seen.state {
            ObservedState::Starting => Seen::Starting,
            ObservedState::Running => Seen::Running,
            ObservedState::Stopping => Seen::Stopping,
            ObservedState::Stopped => Seen::Stopped,
            ObservedState::Deleting => Seen::Deleting,
            ObservedState::Deleted => Seen::Deleted,
            ObservedState::Failed => Seen::Failed,
            ObservedState::Orphan | ObservedState::Unknown => Seen::Other,
        },
        step: seen.step.clone(),
        failure: seen.failure.as_ref().map(|failure| Failure {
            step: failure.step.clone(),
            message: failure.message.clone(),
        }),
    }
}
