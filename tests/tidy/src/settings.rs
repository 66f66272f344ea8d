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

#[test]
fn each_setting_is_documented() {
    let text = std::fs::read_to_string(root().join("docs/settings.md")).expect("docs/settings.md");
    let missing = |setting: &&sam_contract::settings::Setting| !text.contains(&format!("`{}`", setting.name));
    let broken: Vec<_> = sam_contract::settings::SETTINGS
        .iter()
        .filter(missing)
        .map(|setting| setting.name.to_owned())
        .collect();
    none("docs/settings.md lists every setting", &broken);
}
