//! Composition of components made at test time: wiring by name, error cases, and what stays importable when a
//! dependency inherits nothing, something or everything.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use spin_host_manifest::{App, ComposeError, Dependency, DependencySource, Inherit, Manifest, compose};
use wasmparser::{ComponentExternalKind, Parser, Payload, Validator, WasmFeatures};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

const PACKAGES: &str = include_str!("wit/interfaces.wit");

fn component(world: &str) -> Vec<u8> {
    let mut resolve = Resolve::new();
    let text = format!("package test:component;\nworld w {{ {world} }}\n{PACKAGES}");
    let package = resolve
        .push_source("test.wit", &text)
        .unwrap_or_else(|error| panic!("{error:?}"));
    let world = resolve.select_world(&[package], Some("w")).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

const PARENT: &str = "import sam:vault/sealer@0.1.0; import sam:vault/tokens@0.1.0; import wasi:cli/stderr@0.2.6; \
                      export run: func();";
const VAULT: &str = "export sam:vault/sealer@0.1.0; export sam:vault/tokens@0.1.0;";

/// Every capability that can be denied, with a shared interface of each kind beside it.
const GREEDY: &str = "import spin:variables/variables@3.0.0; import spin:key-value/key-value@3.0.0; \
    import spin:sqlite/sqlite@3.1.0; import wasi:config/store@0.2.0-draft-2024-09-27; \
    import wasi:http/outgoing-handler@0.2.6; import wasi:sockets/instance-network@0.2.6; \
    import wasi:sockets/ip-name-lookup@0.2.6; import wasi:cli/environment@0.2.6; import wasi:cli/stderr@0.2.6; \
    import wasi:filesystem/preopens@0.2.6; export sam:vault/sealer@0.1.0; export sam:vault/tokens@0.1.0;";

/// Imports and exports of the outermost component, after checking that the whole is valid.
fn outside(wasm: &[u8]) -> (Vec<String>, Vec<String>) {
    let mut features = WasmFeatures::default();
    features.insert(WasmFeatures::CM_ASYNC | WasmFeatures::CM_ASYNC_STACKFUL);
    Validator::new_with_features(features).validate_all(wasm).unwrap();
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0);
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                imports.extend(section.into_iter().map(|import| import.unwrap().name.name.to_owned()));
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                exports.extend(section.into_iter().map(Result::unwrap).filter_map(|export| {
                    let kind = export.kind;
                    (kind != ComponentExternalKind::Type).then(|| export.name.name.to_owned())
                }));
            }
            _ => {}
        }
    }
    imports.sort();
    (imports, exports)
}

fn app(dependencies: &str) -> App {
    let text = format!(
        "spin_manifest_version = 2\napplication.name = \"t\"\n[[trigger.http]]\nroute = \"/\"\ncomponent = \"parent\"\n\
         [component.vault]\nsource = \"vault.wasm\"\n[component.parent]\nsource = \"parent.wasm\"\n{dependencies}"
    );
    Manifest::parse(&text, "").unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Composes `parent` with the dependencies written in the manifest text `dependencies`, all of them `dependency`.
fn composed(parent: &str, dependency: &str, dependencies: &str) -> Result<Vec<u8>, ComposeError> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("parent.wasm"), component(parent)).unwrap();
    std::fs::write(dir.path().join("vault.wasm"), component(dependency)).unwrap();
    let mut app = app(dependencies);
    app.dir = dir.path().to_owned();
    compose(&app, "parent")
}

#[test]
fn every_spelling_of_a_name_wires_the_dependency() {
    for dependencies in [
        "dependencies.\"sam:vault@0.1.0\" = { component = \"vault\" }",
        "dependencies.\"sam:vault\" = { path = \"vault.wasm\" }",
    ] {
        let (imports, exports) = outside(&composed(PARENT, VAULT, dependencies).unwrap());
        assert_eq!(imports, ["wasi:cli/stderr@0.2.6"], "{dependencies}");
        assert_eq!(exports, ["run"]);
    }
    for dependencies in [
        "dependencies.\"sam:vault/sealer\" = { path = \"vault.wasm\" }",
        "dependencies.\"sam:vault/sealer@0.1.0\" = { component = \"vault\" }",
    ] {
        let (imports, _) = outside(&composed(PARENT, VAULT, dependencies).unwrap());
        assert_eq!(
            imports,
            ["sam:vault/tokens@0.1.0", "wasi:cli/stderr@0.2.6"],
            "{dependencies}"
        );
    }
}

#[test]
fn without_dependencies_the_file_is_the_component() {
    let wasm = composed(PARENT, VAULT, "").unwrap();
    assert_eq!(wasm, component(PARENT));
}

#[test]
fn what_does_not_fit_is_named() {
    let renamed = "dependencies.\"sam:vault/tokens\" = { path = \"vault.wasm\", export = \"sam:vault/sealer@0.1.0\" }";
    for (parent, vault, dependencies, expect) in [
        (
            PARENT,
            VAULT,
            "dependencies.\"sam:vault@0.1.1\" = { component = \"vault\" }",
            "dependency 'sam:vault@0.1.1' doesn't match any imports of component 'parent'; it imports \
             sam:vault/sealer@0.1.0, sam:vault/tokens@0.1.0",
        ),
        (
            PARENT,
            VAULT,
            "dependencies.\"sam:cloud\" = { component = \"vault\" }",
            "dependency 'sam:cloud' doesn't match any imports of component 'parent'",
        ),
        (
            PARENT,
            "export sam:vault/sealer@0.1.0;",
            "dependencies.\"sam:vault\" = { component = \"vault\" }",
            "dependency 'sam:vault' doesn't export 'sam:vault/tokens@0.1.0' to satisfy import 'sam:vault/tokens@0.1.0'",
        ),
        (
            PARENT,
            VAULT,
            renamed,
            "dependency 'sam:vault/tokens' exports 'sam:vault/sealer@0.1.0' which is not compatible with import \
             'sam:vault/tokens@0.1.0': instance is missing expected function export `sign`",
        ),
        (
            "import plain: func(); export run: func();",
            VAULT,
            "dependencies.plain = { path = \"vault.wasm\" }",
            "dependency 'plain' doesn't export 'plain' to satisfy import 'plain'",
        ),
    ] {
        let error = composed(parent, vault, dependencies).unwrap_err().to_string();
        assert_eq!(error, expect, "{dependencies}");
    }
}

#[test]
fn files_that_are_missing_or_no_component_are_named() {
    let app = app("dependencies.\"sam:vault\" = { component = \"vault\" }");
    let error = compose(&app, "parent").unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot read the wasm of component \"parent\" from parent.wasm; build it first"
    );
    assert_eq!(
        compose(&app, "x").unwrap_err().to_string(),
        "there is no component \"x\" in the application"
    );

    let dependency = Dependency {
        source: DependencySource::Path("d".into()),
        export: None,
        inherit: Inherit::default(),
    };
    let name = "sam:vault".parse().unwrap();
    for (root, vault, expect) in [
        (
            b"\0asm\x01\0\0\0".to_vec(),
            component(VAULT),
            "component 'parent' is not a usable wasm component: ",
        ),
        (
            component(PARENT),
            b"hello".to_vec(),
            "dependency 'sam:vault' is not a usable wasm component: ",
        ),
    ] {
        let error = spin_host_manifest::compose::compose_parts("parent", root, [(&name, &dependency, vault)]);
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with(expect), "{error}");
    }
}

#[test]
fn what_is_not_inherited_cannot_be_imported() {
    const SHARED: [&str; 4] = [
        "wasi:cli/stderr@0.2.6",
        "wasi:filesystem/types@0.2.6",
        "wasi:http/types@0.2.6",
        "wasi:io/poll@0.2.6",
    ];
    let granted: [(&str, &[&str]); 7] = [
        ("ai_models", &[]),
        (
            "allowed_outbound_hosts",
            &[
                "wasi:http/outgoing-handler@0.2.6",
                "wasi:sockets/instance-network@0.2.6",
                "wasi:sockets/ip-name-lookup@0.2.6",
                "wasi:sockets/network@0.2.6",
            ],
        ),
        ("environment", &["wasi:cli/environment@0.2.6"]),
        ("files", &["wasi:filesystem/preopens@0.2.6"]),
        ("key_value_stores", &["spin:key-value/key-value@3.0.0"]),
        ("sqlite_databases", &["spin:sqlite/sqlite@3.1.0"]),
        (
            "variables",
            &[
                "spin:variables/variables@3.0.0",
                "wasi:config/store@0.2.0-draft-2024-09-27",
            ],
        ),
    ];
    let all: Vec<&str> = granted.iter().flat_map(|(_, imports)| *imports).copied().collect();
    let none = ("[]".to_owned(), Vec::new());
    let some = granted
        .iter()
        .map(|(key, imports)| (format!("[{key:?}]"), imports.to_vec()));
    for (inherit, granted) in [none, ("false".into(), Vec::new()), ("true".into(), all)]
        .into_iter()
        .chain(some)
    {
        let dependencies =
            format!("dependencies.\"sam:vault\" = {{ component = \"vault\", inherit_configuration = {inherit} }}");
        let wasm = composed(PARENT, GREEDY, &dependencies).unwrap_or_else(|error| panic!("{inherit}: {error}"));
        let mut expect: Vec<_> = SHARED.into_iter().chain(granted).collect();
        expect.sort_unstable();
        // Types of an interface that is denied as a whole are not asked of the host either.
        let (imports, exports) = outside(&wasm);
        assert_eq!(imports, expect, "inherit_configuration = {inherit}");
        assert_eq!(exports, ["run"]);
    }
}

#[test]
fn denying_a_dependency_leaves_the_grants_of_its_parent() {
    let parent = format!("{PARENT} import spin:variables/variables@3.0.0; import wasi:http/outgoing-handler@0.2.6;");
    let wasm = composed(
        &parent,
        GREEDY,
        "dependencies.\"sam:vault\" = { component = \"vault\" }",
    )
    .unwrap();
    let (imports, _) = outside(&wasm);
    for import in ["spin:variables/variables@3.0.0", "wasi:http/outgoing-handler@0.2.6"] {
        assert!(
            imports.iter().any(|known| known == import),
            "the parent imports {import} itself: {imports:?}"
        );
    }
    assert!(
        !imports.iter().any(|import| import.starts_with("spin:sqlite/")),
        "{imports:?}"
    );
}
