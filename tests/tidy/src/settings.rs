//! One table defines every setting; `spin.toml` and the docs agree with it.

use crate::tree::{none, root};

#[test]
fn the_manifest_declares_exactly_the_settings_that_are_variables() {
    let app = spin_host_manifest::Manifest::load(&root().join("spin.toml")).unwrap_or_else(|error| panic!("{error}"));
    let mut broken = Vec::new();
    for setting in sam_contract::settings::SETTINGS {
        match app.variables.get(setting.name) {
            None => broken.push(format!("spin.toml does not declare `{}`", setting.name)),
            Some(declared) if declared.secret != setting.secret => {
                broken.push(format!(
                    "`{}`: secret differs between spin.toml and the table",
                    setting.name
                ));
            }
            Some(_) => {}
        }
    }
    for name in app.variables.keys() {
        if !sam_contract::settings::SETTINGS
            .iter()
            .any(|setting| setting.name == name)
        {
            broken.push(format!(
                "spin.toml declares `{name}`, which is not in the settings table"
            ));
        }
    }
    none("settings table and spin.toml", &broken);
}

/// `docs/settings.md`, made from the table.
fn page() -> String {
    let mut page = String::from(
        "# Settings\n\n\
         Made from the settings table by `cargo xtask gen`. `sam-host` makes the required secrets at its first run. Every\n\
         setting can be given as the environment variable `SPIN_VARIABLE_<NAME>`, on `sam-host` and on upstream Spin alike.\n\n\
         | setting | default | read by | what it does |\n|---|---|---|---|\n",
    );
    for setting in sam_contract::settings::SETTINGS {
        let default = match setting.default {
            None => "required".to_owned(),
            Some("") => "empty".to_owned(),
            Some(value) => format!("`{value}`"),
        };
        let secret = if setting.secret { " (secret)" } else { "" };
        let sentence = setting.sentence.replace('|', "\\|");
        page.push_str(&format!(
            "| `{}`{secret} | {default} | {} | {sentence} |\n",
            setting.name, setting.reader
        ));
    }
    page
}

#[test]
fn each_setting_is_documented() {
    let path = root().join("docs/settings.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(root().join("docs")).unwrap();
        std::fs::write(&path, page()).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, page(), "docs/settings.md is old: run `cargo xtask gen`");
}
