//! `[application]` and `[variables]`.

use indexmap::IndexMap;

use super::fields::{Field, Fields};
use crate::VariableDecl;
use crate::names::is_lower_snake;
use crate::problem::Problems;

pub(super) struct Application {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) description: Option<String>,
}

pub(super) fn read(field: &Field<'_, '_>, problems: &mut Problems<'_>) -> Option<Application> {
    let mut fields = field.table(problems)?;
    let name = fields
        .require("name", problems)
        .and_then(|field| field.filled_string(problems));
    let version = fields.take("version").and_then(|field| field.string(problems));
    let description = fields.take("description").and_then(|field| field.string(problems));
    if let Some(field) = fields.take("authors") {
        field.strings(problems);
    }
    if let Some(field) = fields.take("tool") {
        field.table(problems);
    }
    fields.refuse(
        "targets",
        "checking against target environments is not supported by this host",
        problems,
    );
    fields.refuse(
        "trigger",
        "settings for all triggers of a type are not supported by this host",
        problems,
    );
    fields.finish(problems);
    Some(Application {
        name: name?,
        version,
        description,
    })
}

pub(super) fn variables(field: &Field<'_, '_>, problems: &mut Problems<'_>) -> IndexMap<String, VariableDecl> {
    let mut variables = IndexMap::new();
    for (name, field) in field.table(problems).map(Fields::into_entries).unwrap_or_default() {
        if !is_lower_snake(&name) {
            field.problem(problems, "the name of a variable must be lower_snake_case");
        }
        let Some(declared) = variable(&field, problems) else {
            continue;
        };
        variables.insert(name, declared);
    }
    variables
}

fn variable(field: &Field<'_, '_>, problems: &mut Problems<'_>) -> Option<VariableDecl> {
    let mut fields = field.table(problems)?;
    // A default of the wrong type is one problem, not also a missing default.
    let has_default = fields.has("default");
    let default = fields.take("default").and_then(|field| field.string(problems));
    let required = fields
        .take("required")
        .and_then(|field| field.boolean(problems))
        .unwrap_or(false);
    let secret = fields
        .take("secret")
        .and_then(|field| field.boolean(problems))
        .unwrap_or(false);
    let description = fields.take("description").and_then(|field| field.string(problems));
    fields.finish(problems);
    match (has_default, required) {
        (false, false) => field.problem(problems, "give it a `default`, or `required = true`"),
        (true, true) => field.problem(problems, "a required variable cannot have a default; drop one of them"),
        _ => {}
    }
    Some(VariableDecl {
        default,
        required,
        secret,
        description,
    })
}
