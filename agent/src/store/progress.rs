//! How far a workspace's start got.

use sam_agent_domain::reconcile::{Outcome, Record};
use sam_contract::agent::desired::Isolation;
use sam_contract::agent::observed::Failure;
use serde::{Deserialize, Serialize};

/// Written down with each step's end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Of which attempt.
    pub attempt: i64,
    /// How it went.
    #[serde(default)]
    pub settled: Settled,
    /// How often its runtime died in a row.
    #[serde(default)]
    pub deaths: u32,
    /// When it was ready last, by this machine's clock.
    #[serde(default)]
    pub ready_ms: i64,
    /// Which step failed, and why.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// How the workspace is kept apart.
    #[serde(default)]
    pub isolation: Option<Isolation>,
    /// Image of its container.
    #[serde(default)]
    pub image: Option<String>,
    /// Why it is not the wanted image.
    #[serde(default)]
    pub recovery: Option<String>,
    /// Commands that the repository wants run once after its container was made; each was announced by its name.
    #[serde(default)]
    pub hooks: Vec<(String, String)>,
    /// Environment that the repository wants in its container.
    #[serde(default)]
    pub env: Vec<(String, String)>,
}

/// How a start went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settled {
    /// Under way, or broken off.
    #[default]
    Unfinished,
    /// It was ready.
    Ready,
    /// A step failed.
    Failed,
    /// It was stopped as wished.
    Stopped,
}

impl Progress {
    /// What decisions are made of.
    pub fn record(&self) -> Record {
        Record {
            attempt: self.attempt,
            outcome: match self.settled {
                Settled::Unfinished => Outcome::Unfinished,
                Settled::Ready => Outcome::Ready,
                Settled::Failed => Outcome::Failed,
                Settled::Stopped => Outcome::Stopped,
            },
            deaths: self.deaths,
        }
    }
}
