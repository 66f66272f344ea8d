//! The settings of the application, from the environment: `SAM_<NAME>` for each row of the settings table.
//!
//! The host's own options are in `cli.rs` and name their variables in the help; nothing else reads the environment. A
//! name that nobody knows and a value that does not fit stop the start, all of them listed at once.

use crate::cli::Cli;
use crate::logging::FILTER_ENV;
use clap::CommandFactory;
use sam_contract::settings::{Kind, OPS_TOKEN, PUBLIC_URL, SETTINGS, Setting, VAULT_KEYS};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;
use url::Url;

const PREFIX: &str = "SAM_";

/// Everything that is wrong with the environment.
#[derive(Debug, Error)]
#[error("the environment has {} wrong setting(s):\n  {}", .0.len(), .0.join("\n  "))]
pub struct SettingsError(Vec<String>);

/// Reads the settings that are set.
///
/// # Errors
/// Lists every unknown name and every value that does not fit.
pub fn read(environment: impl Iterator<Item = (String, String)>) -> Result<BTreeMap<String, String>, SettingsError> {
    let own = own_names();
    let (mut settings, mut problems) = (BTreeMap::new(), Vec::new());
    for (name, value) in environment.filter(|(name, _)| name.starts_with(PREFIX) && !own.contains(name)) {
        let key = name.trim_start_matches(PREFIX).to_ascii_lowercase();
        match SETTINGS.iter().find(|setting| setting.name == key) {
            None => problems.push(format!("{name} is no setting; remove it")),
            Some(setting) if is_made_by_host(setting) => {
                problems.push(format!("{name} is set by sam-host itself; remove it"));
            }
            Some(setting) => match misfit(setting.kind, &value) {
                Some(expected) if setting.secret => problems.push(format!("{name} must be {expected}")),
                Some(expected) => problems.push(format!("{name} is {value:?}; it must be {expected}")),
                None => {
                    settings.insert(key, value);
                }
            },
        }
    }
    if problems.is_empty() {
        Ok(settings)
    } else {
        Err(SettingsError(problems))
    }
}

fn is_made_by_host(setting: &Setting) -> bool {
    [VAULT_KEYS.name, OPS_TOKEN.name, PUBLIC_URL.name].contains(&setting.name)
}

/// The variables that the command line reads.
fn own_names() -> BTreeSet<String> {
    let cli = Cli::command();
    let commands = std::iter::once(&cli)
        .chain(cli.get_subcommands())
        .chain(cli.get_subcommands().flat_map(clap::Command::get_subcommands));
    let arguments = commands.flat_map(clap::Command::get_arguments);
    let names = arguments.filter_map(|argument| argument.get_env()?.to_str().map(str::to_owned));
    names.chain([FILTER_ENV.to_owned()]).collect()
}

/// What was expected, if `value` is not that.
fn misfit(kind: Kind, value: &str) -> Option<String> {
    match kind {
        Kind::Text => None,
        Kind::Flag => (!matches!(value, "true" | "false")).then(|| "`true` or `false`".to_owned()),
        Kind::Count { min, max } => {
            let fits = value.parse::<i64>().is_ok_and(|number| (min..=max).contains(&number));
            (!fits).then(|| format!("a whole number from {min} to {max}"))
        }
        Kind::Url => {
            let fits = value.is_empty() || Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            (!fits).then(|| "an http or https URL, or empty".to_owned())
        }
        Kind::Json => serde_json::from_str::<serde_json::Value>(value)
            .is_err()
            .then(|| "JSON".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Result<BTreeMap<String, String>, SettingsError> {
        read(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn settings_come_from_the_environment_by_the_names_of_the_table() {
        let settings = given(&[
            ("SAM_REQUIRE_APPROVAL", "false"),
            ("SAM_LISTEN", "x"),
            ("SAM_LOG", "debug"),
            ("PATH", "/"),
        ]);
        assert_eq!(
            settings.unwrap(),
            BTreeMap::from([("require_approval".to_owned(), "false".to_owned())])
        );
    }

    #[test]
    fn everything_wrong_is_listed_at_once_without_secrets() {
        let refused = given(&[
            ("SAM_REQUIRE_APROVAL", "true"),
            ("SAM_SESSION_DAYS", "0"),
            ("SAM_INSECURE_HTTP", "true"),
            ("SAM_S3_ENDPOINT", "ftp://x"),
            ("SAM_VAULT_KEYS", "sekrit"),
        ]);
        let text = refused.unwrap_err().to_string();
        for part in [
            "SAM_REQUIRE_APROVAL is no setting",
            "from 1 to 365",
            "http or https",
            "SAM_VAULT_KEYS is set by sam-host",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(
            !text.contains("sekrit") && !text.contains("SAM_INSECURE_HTTP"),
            "{text}"
        );
    }
}
