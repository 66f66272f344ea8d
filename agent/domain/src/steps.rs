//! The steps of a workspace's start, in order.

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The workspace's own folder on the node.
    Volume,
    /// The repository.
    Clone,
    /// The container's image.
    Image,
    /// The container, or the supervisor of plain processes.
    Container,
    /// How git in the workspace gets at credentials.
    Credentials,
    /// What its shells find in their environment.
    Env,
    /// What the repository wants run after its container was made.
    Hooks,
    /// A shell can be opened.
    Ready,
}

/// All, in order.
pub const ALL: [Step; 8] = [
    Step::Volume,
    Step::Clone,
    Step::Image,
    Step::Container,
    Step::Credentials,
    Step::Env,
    Step::Hooks,
    Step::Ready,
];

impl Step {
    /// Its name on the wire and in file names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::Clone => "clone",
            Self::Image => "image",
            Self::Container => "container",
            Self::Credentials => "credentials",
            Self::Env => "env",
            Self::Hooks => "hooks",
            Self::Ready => "ready",
        }
    }

    /// Its place, from 0.
    #[must_use]
    pub fn number(self) -> u32 {
        ALL.iter()
            .zip(0..)
            .find(|(step, _)| **step == self)
            .map_or(0, |(_, n)| n)
    }

    /// The step of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|step| step.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_places_agree() {
        for (n, step) in (0..).zip(ALL) {
            assert_eq!(step.number(), n);
            assert_eq!(Step::named(step.name()), Some(step));
        }
        assert_eq!(Step::named("../etc"), None);
    }
}
