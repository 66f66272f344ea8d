//! Which route answers a path, and that the order of the manifest never matters.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use proptest::prelude::*;
use spin_host_manifest::{App, Manifest, Router};

fn app(routes: &[&str]) -> App {
    let mut text = "spin_manifest_version = 2\napplication.name = \"t\"\ncomponent.c.source = \"c.wasm\"\n".to_owned();
    for route in routes {
        let route = if route.starts_with('/') {
            format!("{route:?}")
        } else {
            (*route).to_owned()
        };
        text.push_str(&format!("[[trigger.http]]\nroute = {route}\ncomponent = \"c\"\n"));
    }
    Manifest::parse(&text, "").unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Path, the route that must answer, its wildcard, its parameters.
type Case<'a> = (&'a str, &'a str, Option<&'a str>, &'a [(&'a str, &'a str)]);

#[test]
fn the_most_specific_route_wins() {
    let routes = [
        "/...",
        "/api/...",
        "/api/projects/...",
        "/api/projects/:id/tasks/...",
        "/api/projects/:id",
        "/api/projects/new",
        "/api/:any/settings",
        "/health",
        "/files/:name/raw",
        "{ private = true }",
    ];
    let none: &[(&str, &str)] = &[];
    let cases: &[Case] = &[
        ("/", "/...", Some("/"), none),
        ("", "/...", Some(""), none),
        ("/index.html", "/...", Some("/index.html"), none),
        ("/health", "/health", None, none),
        ("/health/", "/health", None, none),
        ("/healthy", "/...", Some("/healthy"), none),
        ("/api", "/api/...", Some(""), none),
        ("/api/", "/api/...", Some("/"), none),
        ("/api/users/7", "/api/...", Some("/users/7"), none),
        ("/api/users/7/", "/api/...", Some("/users/7/"), none),
        ("/api/projects", "/api/projects/...", Some(""), none),
        ("/api/projects/7", "/api/projects/:id", None, &[("id", "7")]),
        ("/api/projects/7/", "/api/projects/:id", None, &[("id", "7")]),
        ("/api/projects/new", "/api/projects/new", None, none),
        (
            "/api/projects/7/tasks",
            "/api/projects/:id/tasks/...",
            Some(""),
            &[("id", "7")],
        ),
        (
            "/api/projects/7/tasks/1/x",
            "/api/projects/:id/tasks/...",
            Some("/1/x"),
            &[("id", "7")],
        ),
        ("/api/projects/7/other", "/api/projects/...", Some("/7/other"), none),
        (
            "/api/projects/settings",
            "/api/projects/:id",
            None,
            &[("id", "settings")],
        ),
        ("/api/users/settings", "/api/:any/settings", None, &[("any", "users")]),
        ("/files/a%2Fb/raw", "/files/:name/raw", None, &[("name", "a%2Fb")]),
        ("/files//raw", "/...", Some("/files//raw"), none),
    ];
    let (forward, mut backward) = (app(&routes), routes);
    backward.reverse();
    for router in [Router::new(&forward), Router::new(&app(&backward))] {
        for (path, route, wildcard, params) in cases {
            let found = router.find(path).unwrap_or_else(|| panic!("nothing for {path}"));
            assert_eq!(found.route.as_str(), *route, "{path}");
            assert_eq!(found.wildcard.as_deref(), *wildcard, "{path}");
            assert_eq!(found.params, *params, "{path}");
        }
        assert_eq!(router.routes().count(), routes.len() - 1, "a private route is no route");
    }
}

#[test]
fn a_path_without_route_is_not_found() {
    let router = app(&["/", "/a/:b", "/c/..."]);
    let router = Router::new(&router);
    for path in ["/a", "/a/b/c", "/d", "/cc"] {
        assert_eq!(router.find(path), None, "{path}");
    }
    assert_eq!(
        router.find("/").map(|found| found.route.as_str().to_owned()).as_deref(),
        Some("/")
    );
}

fn pattern() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "b", ":x"]);
    (prop::collection::vec(segment, 0..4), any::<bool>()).prop_map(|(segments, open)| {
        let mut text: String = segments
            .iter()
            .enumerate()
            .map(|(index, segment)| {
                if *segment == ":x" {
                    format!("/:x{index}")
                } else {
                    format!("/{segment}")
                }
            })
            .collect();
        if open {
            text.push_str("/...");
        }
        if text.is_empty() { "/".to_owned() } else { text }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Any set of different routes answers each path the same in any order, and by a route of maximal specificity:
    /// no other matching route is the winner with a parameter made exact or the open end closed.
    #[test]
    fn order_of_declaration_never_matters(
        routes in prop::collection::btree_set(pattern(), 1..12),
        seed in any::<prop::sample::Index>(),
        path in prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 0..5),
    ) {
        let routes: Vec<_> = routes.iter().map(String::as_str).collect();
        let mut rotated = routes.clone();
        rotated.rotate_left(seed.index(routes.len()));
        rotated.reverse();
        let path = format!("/{}", path.join("/"));
        let (one, other) = (Router::new(&app(&routes)), Router::new(&app(&rotated)));
        let (one, other) = (one.find(&path), other.find(&path));
        prop_assert_eq!(one.as_ref().map(|m| m.route.as_str()), other.as_ref().map(|m| m.route.as_str()));
        if let Some(found) = one {
            let exact = routes.iter().find(|route| **route == path);
            if let Some(exact) = exact {
                prop_assert_eq!(found.route.as_str(), *exact, "an exact route beats all others");
            }
            let longest_literal = routes.iter().filter(|route| {
                route.strip_suffix("/...").is_some_and(|prefix| !prefix.contains(':')
                    && (path == prefix || path.starts_with(&format!("{prefix}/"))))
            }).map(|route| route.len()).max();
            if !found.route.as_str().contains(':') && found.route.is_open() {
                prop_assert_eq!(Some(found.route.as_str().len()), longest_literal, "the longest prefix wins");
            }
        }
    }
}
