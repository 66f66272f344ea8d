//! `[[trigger.http]]`.

use super::fields::{Field, Fields};
use crate::problem::Problems;
use crate::{HttpTrigger, TriggerRoute};

/// A trigger and where its parts stand, for the checks across the document.
pub(super) struct ReadTrigger<'t, 'i> {
    pub(super) trigger: HttpTrigger,
    pub(super) route_field: Field<'t, 'i>,
    pub(super) component_field: Field<'t, 'i>,
}

pub(super) fn read<'t, 'i>(field: &Field<'t, 'i>, problems: &mut Problems<'_>) -> Vec<ReadTrigger<'t, 'i>> {
    let mut triggers = Vec::new();
    for (kind, field) in field.table(problems).map(Fields::into_entries).unwrap_or_default() {
        if kind == "http" {
            let elements = field.array("tables (`[[trigger.http]]`)", problems);
            triggers.extend(elements.into_iter().filter_map(|field| http(&field, problems)));
        } else {
            field.problem(
                problems,
                format!("the {kind} trigger is not supported by this host; only `http` is"),
            );
        }
    }
    triggers
}

fn http<'t, 'i>(field: &Field<'t, 'i>, problems: &mut Problems<'_>) -> Option<ReadTrigger<'t, 'i>> {
    let mut fields = field.table(problems)?;
    if let Some(id) = fields.take("id") {
        id.string(problems);
    }
    let route_field = fields.require("route", problems);
    let component_field = fields.require("component", problems);
    fields.refuse(
        "components",
        "more than one component for a trigger is not supported by this host",
        problems,
    );
    fields.refuse("dependencies", "middleware is not supported by this host", problems);
    fields.refuse(
        "executor",
        "executors are not supported by this host; it runs WASI HTTP components",
        problems,
    );
    fields.refuse(
        "static_response",
        "static responses are not supported by this host",
        problems,
    );
    fields.finish(problems);

    let route = route_field.as_ref().and_then(|field| route(field, problems));
    let component = component_field.as_ref().and_then(|field| match field.is_table() {
        true => {
            field.problem(
                problems,
                "inline components are not supported by this host; name a `[component.<id>]`",
            );
            None
        }
        false => field.string(problems),
    });
    let trigger = HttpTrigger {
        route: route?,
        component: component?,
    };
    Some(ReadTrigger {
        trigger,
        route_field: route_field?,
        component_field: component_field?,
    })
}

fn route(field: &Field<'_, '_>, problems: &mut Problems<'_>) -> Option<TriggerRoute> {
    let expected = "expected a pattern such as \"/api/...\", or { private = true }";
    if let Some(text) = field.as_str() {
        return match text.parse() {
            Ok(pattern) => Some(TriggerRoute::Public(pattern)),
            Err(error) => {
                field.problem(problems, error.to_string());
                None
            }
        };
    }
    if !field.is_table() {
        field.problem(problems, expected);
        return None;
    }
    let mut fields = field.table(problems)?;
    let private = fields
        .require("private", problems)
        .and_then(|field| field.boolean(problems));
    fields.finish(problems);
    if private == Some(false) {
        field.problem(problems, expected);
    }
    private.filter(|private| *private).map(|_| TriggerRoute::Private)
}
