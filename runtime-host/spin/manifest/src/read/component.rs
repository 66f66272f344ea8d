//! `[component.<id>]`.

use std::path::PathBuf;

use indexmap::IndexMap;

use super::dependencies;
use super::fields::{Field, Fields};
use crate::names::{is_kebab, is_label, is_lower_snake};
use crate::problem::Problems;
use crate::{AllowedHosts, Build, Component, DependencyName, FileMount, Template};

/// A component and where its parts stand, for the checks across the document.
pub(super) struct ReadComponent<'t, 'i> {
    pub(super) component: Component,
    /// Each template with its place.
    pub(super) templates: Vec<(Field<'t, 'i>, Template)>,
    pub(super) dependency_fields: IndexMap<DependencyName, Field<'t, 'i>>,
    /// Grants and dependencies it has, by key: a component with any cannot be a dependency itself.
    pub(super) own_grants: Vec<&'static str>,
}

pub(super) type ReadComponents<'t, 'i> = IndexMap<String, ReadComponent<'t, 'i>>;

pub(super) fn read<'t, 'i>(field: &Field<'t, 'i>, problems: &mut Problems<'_>) -> ReadComponents<'t, 'i> {
    let mut components = IndexMap::new();
    for (id, field) in field.table(problems).map(Fields::into_entries).unwrap_or_default() {
        if !is_kebab(&id) {
            field.problem(problems, "the id of a component must be kebab-case");
        }
        if let Some(read) = component(&id, &field, problems) {
            components.insert(id, read);
        }
    }
    components
}

/// The keys that give a component something of its own, in the order in which they are reported.
const GRANTS: [&str; 7] = [
    "allowed_outbound_hosts",
    "dependencies",
    "environment",
    "files",
    "key_value_stores",
    "sqlite_databases",
    "variables",
];

fn component<'t, 'i>(id: &str, field: &Field<'t, 'i>, problems: &mut Problems<'_>) -> Option<ReadComponent<'t, 'i>> {
    let mut fields = field.table(problems)?;
    let own_grants = GRANTS.into_iter().filter(|key| fields.has(key)).collect();
    let source = fields
        .require("source", problems)
        .and_then(|field| source(&field, problems));
    let description = fields.take("description").and_then(|field| field.string(problems));
    let mut templates = Vec::new();
    let variables = fields
        .take("variables")
        .map(|f| variables(&f, &mut templates, problems))
        .unwrap_or_default();
    let environment = fields
        .take("environment")
        .map(|field| field.string_map(problems))
        .unwrap_or_default();
    let files = fields
        .take("files")
        .map(|field| files(&field, problems))
        .unwrap_or_default();
    let exclude_files = fields
        .take("exclude_files")
        .map(|field| field.strings(problems))
        .unwrap_or_default();
    let allowed_outbound_hosts = fields
        .take("allowed_outbound_hosts")
        .map(|f| hosts(&f, &mut templates, problems))
        .unwrap_or_default();
    let key_value_stores = fields
        .take("key_value_stores")
        .map(|f| labels(&f, problems))
        .unwrap_or_default();
    let sqlite_databases = fields
        .take("sqlite_databases")
        .map(|f| labels(&f, problems))
        .unwrap_or_default();
    let build = fields.take("build").and_then(|field| build(&field, problems));
    if let Some(field) = fields.take("tool") {
        field.table(problems);
    }
    let inherit_all = fields.take("dependencies_inherit_configuration");
    let dependencies = dependencies::read(fields.take("dependencies"), inherit_all.as_ref(), problems);
    fields.refuse("ai_models", "AI models are not offered by this host", problems);
    fields.refuse(
        "allowed_http_hosts",
        "it is deprecated; write `allowed_outbound_hosts`",
        problems,
    );
    fields.refuse("profile", "build profiles are not supported by this host", problems);
    fields.refuse(
        "targets",
        "checking against target environments is not supported by this host",
        problems,
    );
    fields.finish(problems);

    let (dependencies, dependency_fields) = dependencies
        .into_iter()
        .map(|(n, d, f)| ((n.clone(), d), (n, f)))
        .unzip();
    let component = Component {
        id: id.to_owned(),
        // Without a source there is a problem already; the other checks still run over the rest.
        source: source.unwrap_or_default(),
        description,
        files,
        exclude_files,
        environment,
        variables,
        allowed_outbound_hosts,
        key_value_stores,
        sqlite_databases,
        dependencies,
        build,
    };
    Some(ReadComponent {
        component,
        templates,
        dependency_fields,
        own_grants,
    })
}

fn source(field: &Field<'_, '_>, problems: &mut Problems<'_>) -> Option<PathBuf> {
    if field.is_table() {
        let fields = field.table(problems)?;
        let from = if fields.has("url") {
            "from a URL"
        } else {
            "from a registry"
        };
        field.problem(
            problems,
            format!("a source {from} is not supported by this host; write the path of a file"),
        );
        return None;
    }
    field.relative_path(problems)
}

fn variables<'t, 'i>(
    field: &Field<'t, 'i>,
    templates: &mut Vec<(Field<'t, 'i>, Template)>,
    problems: &mut Problems<'_>,
) -> IndexMap<String, Template> {
    let mut variables = IndexMap::new();
    for (name, field) in field.table(problems).map(Fields::into_entries).unwrap_or_default() {
        if !is_lower_snake(&name) {
            field.problem(problems, "the name of a variable must be lower_snake_case");
        }
        if let Some(template) = template(&field, problems) {
            templates.push((field, template.clone()));
            variables.insert(name, template);
        }
    }
    variables
}

fn hosts<'t, 'i>(
    field: &Field<'t, 'i>,
    templates: &mut Vec<(Field<'t, 'i>, Template)>,
    problems: &mut Problems<'_>,
) -> Vec<Template> {
    let mut hosts = Vec::new();
    for field in field.array("strings", problems) {
        let Some(template) = template(&field, problems) else {
            continue;
        };
        // An entry with variables can only be checked when their values are known, at start.
        if template.is_literal()
            && let Err(error) = AllowedHosts::parse(&[template.to_string()])
        {
            field.problem(problems, error.to_string());
        }
        templates.push((field, template.clone()));
        hosts.push(template);
    }
    hosts
}

fn template(field: &Field<'_, '_>, problems: &mut Problems<'_>) -> Option<Template> {
    let text = field.string(problems)?;
    Template::parse(&text)
        .map_err(|error| field.problem(problems, error.to_string()))
        .ok()
}

fn labels(field: &Field<'_, '_>, problems: &mut Problems<'_>) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for field in field.array("strings", problems) {
        let Some(label) = field.string(problems) else { continue };
        if !is_label(&label) {
            field.problem(
                problems,
                format!("{label:?} is not a label; labels are kebab-case or snake_case"),
            );
        } else if labels.contains(&label) {
            field.problem(problems, format!("{label:?} is listed twice"));
        } else {
            labels.push(label);
        }
    }
    labels
}

fn files(field: &Field<'_, '_>, problems: &mut Problems<'_>) -> Vec<FileMount> {
    let elements = field.array("patterns and { source, destination } tables", problems);
    elements
        .iter()
        .filter_map(|field| file_mount(field, problems))
        .collect()
}

fn file_mount(field: &Field<'_, '_>, problems: &mut Problems<'_>) -> Option<FileMount> {
    if !field.is_table() {
        let pattern = field.relative_path(problems)?;
        return Some(FileMount::Pattern(pattern.to_string_lossy().into_owned()));
    }
    let mut fields = field.table(problems)?;
    let source = fields
        .require("source", problems)
        .and_then(|field| field.relative_path(problems));
    let destination_field = fields.require("destination", problems);
    fields.finish(problems);
    let destination_field = destination_field?;
    let destination = destination_field.filled_string(problems)?;
    if !destination.starts_with('/') || destination.split('/').any(|part| part == "..") {
        destination_field.problem(
            problems,
            format!("{destination:?} must be an absolute path without `..`"),
        );
        return None;
    }
    Some(FileMount::Placement {
        source: source?,
        destination,
    })
}

fn build(field: &Field<'_, '_>, problems: &mut Problems<'_>) -> Option<Build> {
    let mut fields = field.table(problems)?;
    let commands = fields.require("command", problems).map(|field| match field.as_str() {
        Some(command) => vec![command.to_owned()],
        None => field.strings(problems),
    });
    let workdir = fields.take("workdir").and_then(|field| field.relative_path(problems));
    let watch = fields
        .take("watch")
        .map(|field| field.strings(problems))
        .unwrap_or_default();
    fields.finish(problems);
    Some(Build {
        commands: commands?,
        workdir,
        watch,
    })
}
