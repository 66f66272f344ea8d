//! What loads, and what each mistake in a manifest is answered with.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use spin_host_manifest::{
    DependencySource, FileMount, Inherit, Inheritable, LoadError, Manifest, TriggerRoute, VariableDecl,
};

/// Parses `body` under a sound head, so that each case shows only its mistake.
fn problems(body: &str) -> Vec<String> {
    let text = format!("spin_manifest_version = 2\napplication.name = \"t\"\n{body}");
    match Manifest::parse(&text, "/app") {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

const FULL: &str = r#"
spin_manifest_version = 2

[application]
name = "sam"
version = "0.1.0"
description = "everything a manifest may say"
authors = ["A <a@example.com>"]
tool.lint = { level = 3 }

[variables]
vault_key = { required = true, secret = true }
region = { default = "fsn1", description = "where" }

[[trigger.http]]
id = "api"
route = "/api/projects/:id/..."
component = "projects"

[[trigger.http]]
route = { private = true }
component = "ops"

[component.projects]
source = "target/projects.wasm"
description = "projects"
files = ["assets/**/*.txt", { source = "web/dist", destination = "/" }]
exclude_files = ["assets/secret/*"]
environment = { RUST_LOG = "info", BRACES = "{{ not a template }}" }
key_value_stores = ["default", "log_store"]
sqlite_databases = ["default"]
allowed_outbound_hosts = ["https://{{ region }}.example.com", "http://self"]
[component.projects.variables]
key = "{{ vault_key }}"
url = "https://{{ region }}.example.com"
[component.projects.build]
command = ["npm ci", "npm run build"]
workdir = "projects"
watch = ["src/**/*.rs"]
[component.projects.tool.spin-test]
anything = true
[component.projects.dependencies]
"sam:vault@0.1.0" = { component = "vault", inherit_configuration = ["variables"] }
"sam:cloud/provider@0.1.0" = { path = "target/hetzner.wasm", export = "sam:cloud/hetzner@0.1.0" }

[component.ops]
source = "target/ops.wasm"
build.command = "cargo build"
dependencies_inherit_configuration = true
dependencies."sam:vault" = { component = "vault" }

[component.vault]
source = "target/vault.wasm"
"#;

#[test]
fn a_full_manifest_loads() {
    let app = Manifest::parse(FULL, "/app").unwrap();
    assert_eq!((app.name.as_str(), app.version.as_deref()), ("sam", Some("0.1.0")));
    assert_eq!(app.path("x.wasm"), std::path::Path::new("/app/x.wasm"));
    assert_eq!(
        app.variables.keys().collect::<Vec<_>>(),
        ["vault_key", "region"],
        "the order of the file"
    );
    let vault_key = VariableDecl {
        default: None,
        required: true,
        secret: true,
        description: None,
    };
    assert_eq!(app.variables["vault_key"], vault_key);
    assert_eq!(app.triggers.len(), 2);
    assert!(matches!(&app.triggers[0].route, TriggerRoute::Public(p) if p.as_str() == "/api/projects/:id/..."));
    assert_eq!(app.triggers[1].route, TriggerRoute::Private);
    assert_eq!(
        app.triggered()
            .map(|component| component.id.as_str())
            .collect::<Vec<_>>(),
        ["projects", "ops"]
    );

    let projects = &app.components["projects"];
    assert_eq!(
        projects.files,
        [
            FileMount::Pattern("assets/**/*.txt".into()),
            FileMount::Placement {
                source: "web/dist".into(),
                destination: "/".into()
            }
        ]
    );
    assert_eq!(projects.environment["BRACES"], "{{ not a template }}");
    assert_eq!(projects.key_value_stores, ["default", "log_store"]);
    let build = projects.build.as_ref().unwrap();
    assert_eq!(build.commands, ["npm ci", "npm run build"]);
    let dependencies: Vec<_> = projects.dependencies.values().collect();
    assert_eq!(dependencies[0].source, DependencySource::Component("vault".into()));
    assert!(dependencies[0].inherit.allows(Inheritable::Variables));
    assert!(!dependencies[0].inherit.allows(Inheritable::SqliteDatabases));
    assert_eq!(dependencies[1].export.as_deref(), Some("sam:cloud/hetzner@0.1.0"));
    assert_eq!(dependencies[1].inherit, Inherit::default());
    assert_eq!(app.components["ops"].dependencies[0].inherit, Inherit::All);
}

#[test]
fn variables_resolve_once_and_missing_ones_are_all_named() {
    let app = Manifest::parse(FULL, "/app").unwrap();
    let values = app
        .resolve_variables(&|name| (name == "vault_key").then(|| "s3cret".to_owned()))
        .unwrap();
    let projects = &app.components["projects"];
    let variables = projects.variables(&values).unwrap();
    assert_eq!(
        (variables["key"].as_str(), variables["url"].as_str()),
        ("s3cret", "https://fsn1.example.com")
    );
    let hosts = projects.allowed_hosts(&values).unwrap();
    assert!(hosts.allows("https", "fsn1.example.com", 443) && !hosts.allows("https", "nbg1.example.com", 443));
    assert!(hosts.allows_self("http"));
    assert!(!format!("{values:?}").contains("s3cret"), "values may be secrets");

    let text = FULL.replace(
        "region = { default = \"fsn1\", description = \"where\" }",
        "region = { required = true }",
    );
    let app = Manifest::parse(&text, "/app").unwrap();
    let error = app.resolve_variables(&|_| None).unwrap_err().to_string();
    assert_eq!(error, "no value for the required variables vault_key, region");

    let values = app.resolve_variables(&|_| Some("a b://".to_owned())).unwrap();
    let error = app.components["projects"]
        .allowed_hosts(&values)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("\"https://a b://.example.com\" is not an allowed host"),
        "{error}"
    );
}

#[test]
fn each_mistake_is_named_with_its_place() {
    let trigger = "[[trigger.http]]\nroute = \"/...\"\ncomponent = \"a\"\n";
    let component = "[component.a]\nsource = \"a.wasm\"\n";
    for (body, expect) in [
        // Keys
        (
            format!("{trigger}{component}sourc = 1\n"),
            "line 8: component.a.sourc: unknown key; known here: source, description, variables, environment, files, exclude_files, allowed_outbound_hosts, key_value_stores, sqlite_databases, build, tool, dependencies_inherit_configuration, dependencies",
        ),
        (
            format!("x = 1\n{trigger}{component}"),
            "line 3: x: unknown key; known here: spin_manifest_version, application, variables, trigger, component",
        ),
        (
            format!("application.nam = \"x\"\n{trigger}{component}"),
            "line 3: application.nam: unknown key; known here: name, version, description, authors, tool",
        ),
        (
            format!("{trigger}extra = 1\n{component}"),
            "line 6: trigger.http[0].extra: unknown key; known here: id, route, component",
        ),
        (
            format!("{trigger}{component}build = {{ comand = \"x\", command = \"y\" }}"),
            "line 8: component.a.build.comand: unknown key; known here: command, workdir, watch",
        ),
        (
            format!("{trigger}{component}files = [{{ source = \"a\", destination = \"/\", mode = 1 }}]"),
            "line 8: component.a.files[0].mode: unknown key; known here: source, destination",
        ),
        // Not supported, refused by name
        (
            format!("{trigger}{component}ai_models = [\"llama2-chat\"]"),
            "line 8: component.a.ai_models: AI models are not offered by this host",
        ),
        (
            format!("{trigger}{component}targets = [\"spin-up:4.1\"]"),
            "line 8: component.a.targets: checking against target environments is not supported by this host",
        ),
        (
            format!("{trigger}{component}allowed_http_hosts = []"),
            "line 8: component.a.allowed_http_hosts: it is deprecated; write `allowed_outbound_hosts`",
        ),
        (
            format!("{trigger}{component}profile.debug.source = \"d.wasm\""),
            "line 8: component.a.profile: build profiles are not supported by this host",
        ),
        (
            format!("{trigger}dependencies.middleware = [{{ component = \"mw\" }}]\n{component}"),
            "line 6: trigger.http[0].dependencies: middleware is not supported by this host",
        ),
        (
            format!("{trigger}executor = {{ type = \"wagi\" }}\n{component}"),
            "line 6: trigger.http[0].executor: executors are not supported by this host; it runs WASI HTTP components",
        ),
        (
            format!("{trigger}{component}[[trigger.redis]]\nchannel = \"x\"\ncomponent = \"a\""),
            "line 8: trigger.redis: the redis trigger is not supported by this host; only `http` is",
        ),
        (
            format!("application.trigger.http.base = \"/x\"\n{trigger}{component}"),
            "line 3: application.trigger: settings for all triggers of a type are not supported by this host",
        ),
        (
            format!("{trigger}[component.a]\nsource = {{ url = \"https://x/a.wasm\", digest = \"sha256:0\" }}"),
            "line 7: component.a.source: a source from a URL is not supported by this host; write the path of a file",
        ),
        (
            format!("{trigger}[component.a]\nsource = {{ registry = \"r\", package = \"a:b\", version = \"1.0.0\" }}"),
            "line 7: component.a.source: a source from a registry is not supported by this host; write the path of a file",
        ),
        (
            "[[trigger.http]]\nroute = \"/\"\ncomponent = { source = \"a.wasm\" }".into(),
            "line 5: trigger.http[0].component: inline components are not supported by this host; name a `[component.<id>]`",
        ),
        (
            format!("{trigger}{component}dependencies.\"b:c\" = \"1.0\""),
            "line 8: component.a.dependencies.\"b:c\": a dependency from a registry is not supported by this host; write { path = … } or { component = … }",
        ),
        (
            format!("{trigger}{component}dependencies.\"b:c\" = {{ url = \"https://x\", digest = \"d\" }}"),
            "line 8: component.a.dependencies.\"b:c\": a dependency from a URL is not supported by this host; write { path = … } or { component = … }",
        ),
        // Missing and mistyped
        (
            format!("{trigger}[component.a]\n"),
            "line 6: component.a: `source` is missing",
        ),
        (component.to_owned(), "line 1: `trigger` is missing"),
        (
            format!("[[trigger.http]]\ncomponent = \"a\"\n{component}"),
            "line 3: trigger.http[0]: `route` is missing",
        ),
        (
            format!("{trigger}[component.a]\nsource = \"\""),
            "line 7: component.a.source: must not be empty",
        ),
        (
            format!("{trigger}[component.a]\nsource = 3"),
            "line 7: component.a.source: expected a string, found integer",
        ),
        (
            format!("{trigger}[component.a]\nsource = \"/abs/a.wasm\""),
            "line 7: component.a.source: \"/abs/a.wasm\" must be relative to the manifest",
        ),
        (
            format!("{trigger}{component}environment = {{ PORT = 80 }}"),
            "line 8: component.a.environment.PORT: expected a string, found integer",
        ),
        (
            format!("{trigger}{component}files = \"*\""),
            "line 8: component.a.files: expected an array of patterns and { source, destination } tables, found string",
        ),
        (
            format!("{trigger}{component}files = [{{ source = \"web\", destination = \"web\" }}]"),
            "line 8: component.a.files[0].destination: \"web\" must be an absolute path without `..`",
        ),
        (
            format!("[trigger.http]\nroute = \"/\"\ncomponent = \"a\"\n{component}"),
            "line 3: trigger.http: expected an array of tables (`[[trigger.http]]`), found table",
        ),
        // Names
        (
            format!("{trigger}{component}[component.b_c]\nsource = \"b.wasm\""),
            "line 8: component.b_c: the id of a component must be kebab-case",
        ),
        (
            format!("variables.Key = {{ default = \"\" }}\n{trigger}{component}"),
            "line 3: variables.Key: the name of a variable must be lower_snake_case",
        ),
        (
            format!("{trigger}{component}variables.a-b = \"x\""),
            "line 8: component.a.variables.a-b: the name of a variable must be lower_snake_case",
        ),
        (
            format!("{trigger}{component}sqlite_databases = [\"default\", \"my db\"]"),
            "line 8: component.a.sqlite_databases[1]: \"my db\" is not a label; labels are kebab-case or snake_case",
        ),
        (
            format!("{trigger}{component}key_value_stores = [\"default\", \"default\"]"),
            "line 8: component.a.key_value_stores[1]: \"default\" is listed twice",
        ),
        // Variables and templates
        (
            format!("variables.a = {{}}\n{trigger}{component}"),
            "line 3: variables.a: give it a `default`, or `required = true`",
        ),
        (
            format!("variables.a = {{ default = \"\", required = true }}\n{trigger}{component}"),
            "line 3: variables.a: a required variable cannot have a default; drop one of them",
        ),
        (
            format!("variables.a = {{ default = 3 }}\n{trigger}{component}"),
            "line 3: variables.a.default: expected a string, found integer",
        ),
        (
            format!("{trigger}{component}variables.x = \"{{{{ nothing }}}}\""),
            "line 8: component.a.variables.x: there is no variable \"nothing\" in [variables]",
        ),
        (
            format!("{trigger}{component}variables.x = \"{{{{ open\""),
            "line 8: component.a.variables.x: `{{` without a closing `}}` in \"{{ open\"",
        ),
        (
            format!("{trigger}{component}allowed_outbound_hosts = [\"http://{{{{ h }}}}\"]"),
            "line 8: component.a.allowed_outbound_hosts[0]: there is no variable \"h\" in [variables]",
        ),
        (
            format!("{trigger}{component}allowed_outbound_hosts = [\"https://ok.example\",\n\"self\"]"),
            "line 9: component.a.allowed_outbound_hosts[1]: \"self\" is not an allowed host: it needs a scheme, such as `https://` or `*://`",
        ),
        // Routes
        (
            format!("[[trigger.http]]\nroute = \"api\"\ncomponent = \"a\"\n{component}"),
            "line 4: trigger.http[0].route: \"api\" is not a route: it must start with `/`",
        ),
        (
            format!("[[trigger.http]]\nroute = {{ private = false }}\ncomponent = \"a\"\n{component}"),
            "line 4: trigger.http[0].route: expected a pattern such as \"/api/...\", or { private = true }",
        ),
        (
            format!("[[trigger.http]]\nroute = 1\ncomponent = \"a\"\n{component}"),
            "line 4: trigger.http[0].route: expected a pattern such as \"/api/...\", or { private = true }",
        ),
        (
            format!(
                "[[trigger.http]]\nroute = \"/p/:id\"\ncomponent = \"a\"\n[[trigger.http]]\nroute = \"/p/:pid/\"\ncomponent = \"a\"\n{component}"
            ),
            "line 7: trigger.http[1].route: route /p/:pid/ is the same as /p/:id of component \"a\"",
        ),
        (
            format!("[[trigger.http]]\nroute = \"/\"\ncomponent = \"b\"\n{component}"),
            "line 5: trigger.http[0].component: there is no [component.b]",
        ),
        // Dependencies
        (
            format!("{trigger}{component}dependencies.\"b:c\" = {{ component = \"b\" }}"),
            "line 8: component.a.dependencies.\"b:c\": there is no [component.b]",
        ),
        (
            format!("{trigger}{component}dependencies.\"b:c\" = {{ component = \"a\" }}"),
            "line 8: component.a.dependencies.\"b:c\": a component cannot be its own dependency",
        ),
        (
            format!("{trigger}{component}dependencies.\"b:c\" = {{ }}"),
            "line 8: component.a.dependencies.\"b:c\": give it either `path` or `component`",
        ),
        (
            format!("{trigger}{component}dependencies.\"b:\" = {{ path = \"b.wasm\" }}"),
            "line 8: component.a.dependencies.\"b:\": \"b:\" is not a dependency name; write `ns:pkg`, `ns:pkg@1.2.3`, `ns:pkg/interface` or `ns:pkg/interface@1.2.3`",
        ),
        (
            format!("{trigger}{component}dependencies.\"b:c\" = {{ path = \"b.wasm\", export = \"x:y/z\" }}"),
            "line 8: component.a.dependencies.\"b:c\": export \"x:y/z\" satisfies one interface; name it: \"b:c/<interface>\"",
        ),
        (
            format!(
                "{trigger}{component}dependencies.\"b:c\" = {{ path = \"b.wasm\", inherit_configuration = [\"variable\"] }}"
            ),
            "line 8: component.a.dependencies.\"b:c\".inherit_configuration[0]: \"variable\" is nothing to inherit; known: ai_models, allowed_outbound_hosts, environment, files, key_value_stores, sqlite_databases, variables",
        ),
        (
            format!(
                "{trigger}{component}dependencies_inherit_configuration = true\ndependencies.\"b:c\" = {{ path = \"b.wasm\", inherit_configuration = true }}"
            ),
            "line 9: component.a.dependencies.\"b:c\".inherit_configuration: it cannot be mixed with `dependencies_inherit_configuration`; drop one of them",
        ),
        (
            format!(
                "{trigger}{component}dependencies.\"b:c/d\" = {{ path = \"b.wasm\" }}\ndependencies.\"b:c/e\" = {{ path = \"b.wasm\" }}"
            ),
            "line 9: component.a.dependencies.\"b:c/e\": package `b:c` already has the dependency \"b:c/d\"; one component implements a whole package",
        ),
        (
            format!(
                "variables.k = {{ default = \"\" }}\n{trigger}{component}dependencies.\"b:c\" = {{ component = \"b\" }}\n[component.b]\nsource = \"b.wasm\"\nvariables.k = \"{{{{ k }}}}\"\nkey_value_stores = [\"default\"]"
            ),
            "line 9: component.a.dependencies.\"b:c\": Dependencies may not have their own resources or permissions. Component b cannot be used as a dependency of a because it specifies: key_value_stores, variables",
        ),
    ] {
        assert_eq!(problems(&body), [expect], "in:\n{body}");
    }
    assert_eq!(problems(&format!("{trigger}{component}")), [] as [&str; 0]);
}

#[test]
fn all_problems_are_listed_in_the_order_of_the_file() {
    let text = "spin_manifest_version = \"1\"\n[application]\nnam = \"x\"\n[[trigger.http]]\nroute = \"api\"\ncomponent = \"b\"\n[component.a]\nsource = 1\nfoo = 2\n";
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("spin.toml");
    std::fs::write(&file, text).unwrap();
    let error = Manifest::load(&file).unwrap_err();
    assert_eq!(error.problems().len(), 6);
    let message = error.to_string();
    let lines: Vec<_> = message
        .lines()
        .skip(1)
        .map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(": "))
        .collect();
    assert_eq!(
        lines,
        [
            "  line 1: spin_manifest_version",
            "  line 2: application",
            "  line 3: application.nam",
            "  line 5: trigger.http[0].route",
            "  line 8: component.a.source",
            "  line 9: component.a.foo",
        ]
    );
    assert!(message.starts_with(&format!("{} is not a usable Spin manifest:", file.display())));
}

#[test]
fn a_file_that_cannot_be_read_or_parsed_says_so() {
    let error = Manifest::load("/nowhere/spin.toml").unwrap_err();
    assert!(matches!(error, LoadError::Read { .. }));
    assert_eq!(error.to_string(), "cannot read the manifest /nowhere/spin.toml");
    let problems = Manifest::parse("spin_manifest_version = 2\na = = 1\n", "").unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].line, 2);
    assert!(problems[0].message.starts_with("not TOML: "), "{}", problems[0]);
}
