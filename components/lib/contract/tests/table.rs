//! Rules that every row of the route, queue and settings tables keeps.
#![cfg(test)]

use std::collections::HashSet;

use sam_contract::audit::AuditAction;
use sam_contract::queues::QUEUES;
use sam_contract::route::{Auth, Method, Stability, TokenAccess};
use sam_contract::routes::ROUTES;
use sam_contract::settings::{Kind, SETTINGS};

#[test]
fn routes_are_unique() {
    let ids: HashSet<_> = ROUTES.iter().map(|r| r.id).collect();
    let paths: HashSet<_> = ROUTES.iter().map(|r| (r.method, r.path)).collect();
    assert_eq!((ids.len(), paths.len()), (ROUTES.len(), ROUTES.len()));
}

#[test]
fn what_changes_something_is_audited_and_what_reads_is_not() {
    for route in ROUTES {
        // What agents report and the host asks is not what a person did.
        let question = matches!(route.stability, Stability::Host | Stability::Agent) && route.audit.is_none();
        assert_eq!(
            route.audit.is_some(),
            !route.method.is_safe() && !question,
            "{}",
            route.id
        );
    }
    let used: HashSet<_> = ROUTES.iter().filter_map(|r| r.audit).collect();
    let unused: Vec<_> = AuditAction::ALL.iter().filter(|a| !used.contains(a)).collect();
    assert!(unused.is_empty(), "no route does {unused:?}");
}

#[test]
fn public_routes_that_change_something_are_rate_limited() {
    for route in ROUTES.iter().filter(|r| r.auth == Auth::Public && !r.method.is_safe()) {
        assert!(route.rate_limit.is_some(), "{} lets anyone try without end", route.id);
    }
}

#[test]
fn host_routes_and_only_they_are_for_the_host() {
    for route in ROUTES {
        let host = route.stability == Stability::Host;
        assert_eq!(host, route.auth == Auth::Ops, "{}", route.id);
        assert_eq!(host, route.path.starts_with("/_work/"), "{}", route.id);
        assert!(!host || route.tokens == TokenAccess::Never, "{}", route.id);
        let agent = route.stability == Stability::Agent;
        assert_eq!(agent, route.path.starts_with("/api/agent/v1/"), "{}", route.id);
        assert!(agent || route.auth != Auth::Node, "{}", route.id);
    }
}

#[test]
fn each_row_says_what_it_does_and_has_parameters_that_can_be_read() {
    for route in ROUTES {
        assert!(
            route.summary.ends_with('.') && route.summary.len() > 12,
            "{}: {:?}",
            route.id,
            route.summary
        );
        let parameters: Vec<_> = route.path.split('/').filter(|s| s.starts_with('{')).collect();
        assert!(
            [&[][..], &["{id}"], &["{id}", "{part}"]].contains(&parameters.as_slice()),
            "{}: `Path` and `PathPair` read these only: {parameters:?}",
            route.id
        );
        // The edge asks about a tunnel by the request that opens it, and is told by a header.
        let reads = route.method != Method::Get || route.status == 200 || route.id == "agentTunnel";
        assert!(reads, "{}", route.id);
    }
}

#[test]
fn queues_are_unique_and_patient() {
    let names: HashSet<_> = QUEUES.iter().map(|q| q.name).collect();
    assert_eq!(names.len(), QUEUES.len());
    for queue in QUEUES {
        assert!(
            queue.attempts_max > 1 && queue.backoff_ms <= queue.backoff_ms_max && queue.lease_ms > 0,
            "{queue:?}"
        );
    }
}

#[test]
fn settings_are_unique_and_their_defaults_are_valid() {
    let names: HashSet<_> = SETTINGS.iter().map(|s| s.name).collect();
    assert_eq!(names.len(), SETTINGS.len());
    for setting in SETTINGS {
        assert!(setting.sentence.ends_with('.'), "{}", setting.name);
        match (setting.kind, setting.default) {
            (Kind::Flag, Some(text)) => assert!(["true", "false"].contains(&text), "{}", setting.name),
            (Kind::Count { min, max }, Some(text)) => {
                assert!((min..=max).contains(&text.parse().unwrap()), "{}", setting.name);
            }
            _ => {}
        }
    }
}
