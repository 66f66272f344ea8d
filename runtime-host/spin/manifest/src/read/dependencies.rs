//! `[component.<id>.dependencies]` and `dependencies_inherit_configuration`.

use super::fields::{Field, Fields};
use crate::problem::Problems;
use crate::{Dependency, DependencyName, DependencySource, Inherit, Inheritable};

type ReadDependency<'t, 'i> = (DependencyName, Dependency, Field<'t, 'i>);

/// `inherit_all` is the component's `dependencies_inherit_configuration`.
pub(super) fn read<'t, 'i>(
    field: Option<Field<'t, 'i>>,
    inherit_all: Option<&Field<'t, 'i>>,
    problems: &mut Problems<'_>,
) -> Vec<ReadDependency<'t, 'i>> {
    let for_all = inherit_all.and_then(|field| field.boolean(problems));
    let mut dependencies = Vec::new();
    for (name, field) in field
        .and_then(|field| field.table(problems))
        .map(Fields::into_entries)
        .unwrap_or_default()
    {
        let name = name
            .parse::<DependencyName>()
            .map_err(|error| field.problem(problems, error.to_string()))
            .ok();
        let dependency = dependency(&field, inherit_all.is_some(), problems);
        let (Some(name), Some(mut dependency)) = (name, dependency) else {
            continue;
        };
        if for_all == Some(true) {
            dependency.inherit = Inherit::All;
        }
        if let (DependencyName::Package { interface: None, .. }, Some(export)) = (&name, &dependency.export) {
            field.problem(
                problems,
                format!("export {export:?} satisfies one interface; name it: \"{name}/<interface>\""),
            );
        }
        dependencies.push((name, dependency, field));
    }
    dependencies
}

fn dependency(field: &Field<'_, '_>, for_all: bool, problems: &mut Problems<'_>) -> Option<Dependency> {
    let unsupported = |from: &str| {
        format!("a dependency from {from} is not supported by this host; write {{ path = … }} or {{ component = … }}")
    };
    if field.as_str().is_some() {
        field.problem(problems, unsupported("a registry"));
        return None;
    }
    let mut fields = field.table(problems)?;
    for (key, from) in [("version", "a registry"), ("url", "a URL")] {
        if fields.has(key) {
            field.problem(problems, unsupported(from));
            return None;
        }
    }
    let path = fields.take("path");
    let component = fields.take("component");
    let export = fields.take("export").and_then(|field| field.filled_string(problems));
    let inherit_field = fields.take("inherit_configuration");
    fields.finish(problems);

    let inherit = inherit_field.map(|field| {
        if for_all {
            field.problem(
                problems,
                "it cannot be mixed with `dependencies_inherit_configuration`; drop one of them",
            );
        }
        inherit(&field, problems)
    });
    let source = match (path, component) {
        (Some(path), None) => path.relative_path(problems).map(DependencySource::Path),
        (None, Some(component)) => component.string(problems).map(DependencySource::Component),
        _ => {
            field.problem(problems, "give it either `path` or `component`");
            None
        }
    };
    Some(Dependency {
        source: source?,
        export,
        inherit: inherit.unwrap_or_default(),
    })
}

fn inherit(field: &Field<'_, '_>, problems: &mut Problems<'_>) -> Inherit {
    if field.is_boolean() {
        return match field.boolean(problems) {
            Some(true) => Inherit::All,
            _ => Inherit::default(),
        };
    }
    let mut list = std::collections::BTreeSet::new();
    for field in field.array("strings, or true or false", problems) {
        let Some(text) = field.string(problems) else { continue };
        match Inheritable::from_text(&text) {
            Some(value) => _ = list.insert(value),
            // Spin ignores such a value, so a slip of the pen would silently take the grant away.
            None => {
                let known = Inheritable::ALL.map(Inheritable::as_str).join(", ");
                field.problem(problems, format!("{text:?} is nothing to inherit; known: {known}"));
            }
        }
    }
    Inherit::Only(list)
}
