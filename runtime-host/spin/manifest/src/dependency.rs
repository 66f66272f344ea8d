//! `[component.<id>.dependencies]`: what is wired in, under which name, and what it may use of its parent.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use semver::Version;

use crate::names::is_kebab;

/// One dependency of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Where its wasm is.
    pub source: DependencySource,
    /// The export that satisfies the import, if it is not called like the import.
    pub export: Option<String>,
    /// What it may use of its parent's configuration.
    pub inherit: Inherit,
}

/// Where the wasm of a dependency is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DependencySource {
    /// `{ path = "…" }`, relative to the manifest.
    Path(PathBuf),
    /// `{ component = "…" }`: the source of that component of the application.
    Component(String),
}

/// What a dependency may use of its parent's configuration. The default is nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inherit {
    /// `inherit_configuration = true`.
    All,
    /// `inherit_configuration = ["variables", …]`; empty when nothing was written.
    Only(BTreeSet<Inheritable>),
}

impl Inherit {
    /// Whether the dependency may use `what`.
    pub fn allows(&self, what: Inheritable) -> bool {
        match self {
            Self::All => true,
            Self::Only(list) => list.contains(&what),
        }
    }
}

impl Default for Inherit {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

/// One value of `inherit_configuration`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Inheritable {
    /// `ai_models`
    AiModels,
    /// `allowed_outbound_hosts`
    AllowedOutboundHosts,
    /// `environment`
    Environment,
    /// `files`
    Files,
    /// `key_value_stores`
    KeyValueStores,
    /// `sqlite_databases`
    SqliteDatabases,
    /// `variables`
    Variables,
}

impl Inheritable {
    /// Every value, in the order of the alphabet.
    pub const ALL: [Self; 7] = [
        Self::AiModels,
        Self::AllowedOutboundHosts,
        Self::Environment,
        Self::Files,
        Self::KeyValueStores,
        Self::SqliteDatabases,
        Self::Variables,
    ];

    /// The value as written in a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AiModels => "ai_models",
            Self::AllowedOutboundHosts => "allowed_outbound_hosts",
            Self::Environment => "environment",
            Self::Files => "files",
            Self::KeyValueStores => "key_value_stores",
            Self::SqliteDatabases => "sqlite_databases",
            Self::Variables => "variables",
        }
    }

    /// The value written as `text`.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

/// The key of a dependency: the imports of the parent that it satisfies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DependencyName {
    /// `name`: one import with a plain name.
    Plain(String),
    /// `ns:pkg`, `ns:pkg@1.0.0`, `ns:pkg/iface` or `ns:pkg/iface@1.0.0`.
    Package {
        /// `ns:pkg`.
        package: String,
        /// One interface; without it all that the parent imports.
        interface: Option<String>,
        /// One version; without it any.
        version: Option<Version>,
    },
}

impl DependencyName {
    /// Whether the parent's import `import` is one that this dependency satisfies.
    pub fn matches(&self, import: &str) -> bool {
        match self {
            Self::Plain(name) => name == import,
            Self::Package {
                package,
                interface,
                version,
            } => {
                let Ok(Self::Package {
                    package: p,
                    interface: Some(i),
                    version: v,
                }) = import.parse()
                else {
                    return false;
                };
                *package == p
                    && interface.as_ref().is_none_or(|interface| *interface == i)
                    && version.as_ref().is_none_or(|version| Some(version) == v.as_ref())
            }
        }
    }

    /// The WIT package, or the plain name: one parent can have one dependency for each.
    pub fn package(&self) -> &str {
        match self {
            Self::Plain(name) => name,
            Self::Package { package, .. } => package,
        }
    }
}

impl fmt::Display for DependencyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(name) => f.write_str(name),
            Self::Package {
                package,
                interface,
                version,
            } => {
                f.write_str(package)?;
                interface.iter().try_for_each(|interface| write!(f, "/{interface}"))?;
                version.iter().try_for_each(|version| write!(f, "@{version}"))
            }
        }
    }
}

/// A text that names no import.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a dependency name; write `ns:pkg`, `ns:pkg@1.2.3`, `ns:pkg/interface` or `ns:pkg/interface@1.2.3`"
)]
pub struct DependencyNameError(String);

impl FromStr for DependencyName {
    type Err = DependencyNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || DependencyNameError(text.to_owned());
        if !text.contains([':', '/', '@']) {
            return if is_kebab(text) {
                Ok(Self::Plain(text.to_owned()))
            } else {
                Err(wrong())
            };
        }
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, Some(Version::parse(version).map_err(|_| wrong())?)),
            None => (text, None),
        };
        let (package, interface) = match name.split_once('/') {
            Some((package, interface)) => (package, Some(interface.to_owned())),
            None => (name, None),
        };
        let (namespace, package_name) = package.split_once(':').ok_or_else(wrong)?;
        if ![namespace, package_name]
            .into_iter()
            .chain(interface.as_deref())
            .all(is_kebab)
        {
            return Err(wrong());
        }
        Ok(Self::Package {
            package: package.to_owned(),
            interface,
            version,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_imports() {
        for (name, import, expect) in [
            ("sam:vault/sealer@0.1.0", "sam:vault/sealer@0.1.0", true),
            ("sam:vault/sealer", "sam:vault/sealer@0.1.0", true),
            ("sam:vault/sealer", "sam:vault/sealer", true),
            ("sam:vault@0.1.0", "sam:vault/sealer@0.1.0", true),
            ("sam:vault", "sam:vault/tokens@0.2.0", true),
            ("plain-name", "plain-name", true),
            ("sam:vault/sealer@0.1.0", "sam:vault/sealer", false),
            ("sam:vault/sealer", "sam:vault/tokens@0.1.0", false),
            ("sam:vault@0.1.1", "sam:vault/sealer@0.1.0", false),
            ("sam:vault", "sam:vaults/sealer", false),
            ("sam:vault", "plain-name", false),
            ("plain-name", "sam:vault/sealer", false),
        ] {
            let parsed: DependencyName = name.parse().unwrap();
            assert_eq!(parsed.matches(import), expect, "{name} on {import}");
            assert_eq!(parsed.to_string(), name);
        }
    }

    #[test]
    fn bad_names_are_refused() {
        for name in [
            "",
            "sam:",
            ":vault",
            "sam/vault",
            "sam:vault@1",
            "sam:vault/",
            "Sam_x:vault",
            "a b",
        ] {
            assert!(name.parse::<DependencyName>().is_err(), "{name:?}");
        }
    }
}
