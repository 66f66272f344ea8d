//! Checks across the parts of a manifest: names that must exist, and things that must not be said twice.

use indexmap::IndexMap;

use super::component::ReadComponents;
use super::trigger::ReadTrigger;
use crate::problem::Problems;
use crate::{DependencySource, TriggerRoute, VariableDecl};

/// Triggers name components that exist, and no two have the same route.
pub(super) fn triggers(
    triggers: &[ReadTrigger<'_, '_>],
    components: &ReadComponents<'_, '_>,
    problems: &mut Problems<'_>,
) {
    for (index, read) in triggers.iter().enumerate() {
        let id = &read.trigger.component;
        if !components.contains_key(id) {
            read.component_field
                .problem(problems, format!("there is no [component.{id}]"));
        }
        let TriggerRoute::Public(pattern) = &read.trigger.route else {
            continue;
        };
        let earlier = triggers.iter().take(index).find(
            |earlier| matches!(&earlier.trigger.route, TriggerRoute::Public(other) if other.is_same_route(pattern)),
        );
        if let Some(earlier) = earlier {
            let TriggerRoute::Public(first) = &earlier.trigger.route else {
                continue;
            };
            let owner = &earlier.trigger.component;
            read.route_field.problem(
                problems,
                format!("route {pattern} is the same as {first} of component {owner:?}"),
            );
        }
    }
}

/// Templates name variables that are declared.
pub(super) fn templates(
    variables: &IndexMap<String, VariableDecl>,
    components: &ReadComponents<'_, '_>,
    problems: &mut Problems<'_>,
) {
    for (field, template) in components.values().flat_map(|read| &read.templates) {
        for name in template.variables().filter(|name| !variables.contains_key(*name)) {
            field.problem(problems, format!("there is no variable {name:?} in [variables]"));
        }
    }
}

/// A parent has one dependency for each WIT package, and a component used as a dependency has nothing of its own.
pub(super) fn dependencies(components: &ReadComponents<'_, '_>, problems: &mut Problems<'_>) {
    for (id, read) in components {
        let dependencies = &read.component.dependencies;
        for (index, (name, dependency)) in dependencies.iter().enumerate() {
            let Some(field) = read.dependency_fields.get(name) else {
                continue;
            };
            if let Some(first) = dependencies
                .keys()
                .take(index)
                .find(|other| other.package() == name.package())
            {
                let package = name.package();
                field.problem(
                    problems,
                    format!("package `{package}` already has the dependency \"{first}\"; one component implements a whole package"),
                );
            }
            let DependencySource::Component(used) = &dependency.source else {
                continue;
            };
            match components.get(used) {
                None => field.problem(problems, format!("there is no [component.{used}]")),
                Some(_) if used == id => field.problem(problems, "a component cannot be its own dependency"),
                Some(other) if other.own_grants.is_empty() => {}
                Some(other) => field.problem(
                    problems,
                    format!(
                        "Dependencies may not have their own resources or permissions. Component {used} cannot be used \
                         as a dependency of {id} because it specifies: {}",
                        other.own_grants.join(", ")
                    ),
                ),
            }
        }
    }
}
