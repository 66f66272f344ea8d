//! The table of capabilities, and a generated denier at work in wasmtime.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use wasmtime::component::{Component, Instance, Linker, Resource, ResourceType, Val};
use wasmtime::{Config, Engine, Store};
use wit_component::dummy_module;
use wit_parser::{LiftLowerAbi, ManglingAndAbi};

use super::*;

#[test]
fn imports_stand_for_capabilities() {
    for (import, expect) in [
        ("spin:variables/variables@3.0.0", Some("variables")),
        ("fermyon:spin/variables@2.0.0", Some("variables")),
        ("wasi:config/store@0.2.0-draft-2024-09-27", Some("variables")),
        ("spin:key-value/key-value@3.0.0", Some("key_value_stores")),
        ("wasi:keyvalue/atomics@0.2.0-draft2", Some("key_value_stores")),
        ("spin:sqlite/sqlite@3.1.0", Some("sqlite_databases")),
        ("fermyon:spin/sqlite@2.0.0", Some("sqlite_databases")),
        ("wasi:http/client@0.3.0", Some("allowed_outbound_hosts")),
        ("wasi:http/outgoing-handler@0.2.6", Some("allowed_outbound_hosts")),
        ("wasi:sockets/tcp-create-socket@0.2.6", Some("allowed_outbound_hosts")),
        ("wasi:cli/environment@0.2.6", Some("environment")),
        ("wasi:filesystem/preopens@0.2.6", Some("files")),
        ("wasi:http/types@0.3.0", None),
        ("wasi:filesystem/types@0.2.6", None),
        ("wasi:io/streams@0.2.6", None),
        ("wasi:cli/stderr@0.2.6", None),
        ("spin:variables-too/x@1.0.0", None),
        ("plain-name", None),
    ] {
        assert_eq!(capability(import).map(Inheritable::as_str), expect, "{import}");
    }
}

const PACKAGES: &str = include_str!("../../../tests/wit/interfaces.wit");

fn dependency(world: &str) -> Vec<u8> {
    let mut resolve = Resolve::new();
    let text = format!("package test:component;\nworld w {{ {world} }}\n{PACKAGES}");
    let package = resolve.push_source("test.wit", &text).unwrap();
    let world = resolve.select_world(&[package], Some("w")).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

/// A denier in a wasmtime of its own. The host side has the resources of `wasi:http/types`, and counts their drops.
struct Running {
    store: Store<()>,
    instance: Instance,
    dropped: Arc<AtomicU32>,
}

struct OutgoingRequest;

impl Running {
    fn start(imports: &str) -> Self {
        let denier = denier(&dependency(imports), &Inherit::default()).unwrap().unwrap();
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        let engine = Engine::new(&config).unwrap();
        let component = Component::new(&engine, &denier.wasm).unwrap();
        let mut linker = Linker::new(&engine);
        let dropped = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&dropped);
        let drop = move |_: wasmtime::StoreContextMut<'_, ()>, _| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        let mut poll = linker.instance("wasi:io/poll@0.2.6").unwrap();
        poll.resource("pollable", ResourceType::host::<()>(), |_, _| Ok(()))
            .unwrap();
        let mut types = linker.instance("wasi:http/types@0.2.6").unwrap();
        types
            .resource(
                "outgoing-request",
                ResourceType::host::<OutgoingRequest>(),
                drop.clone(),
            )
            .unwrap();
        types
            .resource("request-options", ResourceType::host::<OutgoingRequest>(), drop)
            .unwrap();
        types
            .resource("future-incoming-response", ResourceType::host::<()>(), |_, _| Ok(()))
            .unwrap();
        linker
            .instance("wasi:filesystem/types@0.2.6")
            .unwrap()
            .resource("descriptor", ResourceType::host::<()>(), |_, _| Ok(()))
            .unwrap();
        let mut store = Store::new(&engine, ());
        let instance = wait(linker.instantiate_async(&mut store, &component)).unwrap();
        Self {
            store,
            instance,
            dropped,
        }
    }

    fn call(&mut self, interface: &str, function: &str, arguments: &[Val]) -> Val {
        let interface = self
            .instance
            .get_export_index(&mut self.store, None, interface)
            .unwrap();
        let function = self
            .instance
            .get_export_index(&mut self.store, Some(&interface), function)
            .unwrap();
        let function = self.instance.get_func(&mut self.store, function).unwrap();
        let mut results = [Val::Bool(false)];
        wait(function.call_async(&mut self.store, arguments, &mut results)).unwrap();
        let [result] = results;
        result
    }

    fn resource(&mut self) -> Val {
        let resource = Resource::<OutgoingRequest>::new_own(7);
        Val::Resource(resource.try_into_resource_any(&mut self.store).unwrap())
    }
}

/// Polls to the end; nothing here ever waits for the outside.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

fn text(text: &str) -> Val {
    Val::String(text.into())
}

fn error(case: &str, payload: Option<Val>) -> Val {
    Val::Result(Err(Some(Box::new(Val::Variant(case.into(), payload.map(Box::new))))))
}

#[test]
fn a_denier_refuses_every_call() {
    let mut denier = Running::start(
        "import spin:variables/variables@3.0.0; import spin:key-value/key-value@3.0.0; \
         import spin:sqlite/sqlite@3.1.0; import wasi:config/store@0.2.0-draft-2024-09-27; \
         import wasi:cli/environment@0.2.6; import wasi:filesystem/preopens@0.2.6;",
    );
    let label = text("default");
    let nothing = || Val::List(Vec::new());
    let refused = "\"wasi:config/store@0.2.0-draft-2024-09-27\" is not permitted";
    let undefined = "\"spin:variables/variables@3.0.0\" is not permitted";
    for (interface, function, arguments, expect) in [
        (
            "spin:variables/variables@3.0.0",
            "get",
            vec![text("vault_key")],
            error("undefined", Some(text(undefined))),
        ),
        (
            "spin:key-value/key-value@3.0.0",
            "[static]store.open",
            vec![label.clone()],
            error("access-denied", None),
        ),
        (
            "spin:sqlite/sqlite@3.1.0",
            "[static]connection.open",
            vec![label],
            error("access-denied", None),
        ),
        (
            "wasi:config/store@0.2.0-draft-2024-09-27",
            "get-all",
            vec![],
            error("io", Some(text(refused))),
        ),
        ("wasi:cli/environment@0.2.6", "get-environment", vec![], nothing()),
        ("wasi:cli/environment@0.2.6", "initial-cwd", vec![], Val::Option(None)),
        ("wasi:filesystem/preopens@0.2.6", "get-directories", vec![], nothing()),
    ] {
        // Twice, because the second call meets whatever the first one left behind.
        for _ in 0..2 {
            assert_eq!(
                denier.call(interface, function, &arguments),
                expect,
                "{interface} {function}"
            );
        }
    }
}

#[test]
fn arguments_of_any_size_are_taken() {
    let mut denier = Running::start("import spin:variables/variables@3.0.0;");
    for bytes in [0, 1, 65_535, 65_536, 3_000_000] {
        let answer = denier.call("spin:variables/variables@3.0.0", "get", &[text(&"x".repeat(bytes))]);
        assert!(
            matches!(&answer, Val::Result(Err(Some(_)))),
            "{bytes} bytes: {answer:?}"
        );
    }
}

#[test]
fn resources_passed_to_a_denier_are_dropped() {
    let mut denier = Running::start("import wasi:http/outgoing-handler@0.2.6;");
    let message = text("\"wasi:http/outgoing-handler@0.2.6\" is not permitted");
    let refused = error("internal-error", Some(Val::Option(Some(Box::new(message)))));
    for (with_options, dropped) in [(false, 1), (true, 3)] {
        let request = denier.resource();
        let options = with_options.then(|| Box::new(denier.resource()));
        let answer = denier.call(
            "wasi:http/outgoing-handler@0.2.6",
            "handle",
            &[request, Val::Option(options)],
        );
        assert_eq!(answer, refused);
        assert_eq!(denier.dropped.load(Ordering::Relaxed), dropped);
    }
}

#[test]
fn a_resource_that_cannot_be_refused_refuses_later() {
    let mut denier =
        Running::start("import wasi:sockets/instance-network@0.2.6; import wasi:sockets/ip-name-lookup@0.2.6;");
    let network = denier.call("wasi:sockets/instance-network@0.2.6", "instance-network", &[]);
    let arguments = [network, text("example.com")];
    let answer = denier.call("wasi:sockets/ip-name-lookup@0.2.6", "resolve", &arguments);
    assert_eq!(
        answer,
        Val::Result(Err(Some(Box::new(Val::Enum("access-denied".into())))))
    );
}

#[test]
fn nothing_to_deny_means_no_denier() {
    let inherited = Inherit::Only([Inheritable::Variables].into());
    for (imports, inherit) in [
        (
            "import wasi:cli/stderr@0.2.6; import wasi:io/poll@0.2.6;",
            Inherit::default(),
        ),
        ("import spin:variables/variables@3.0.0;", Inherit::All),
        ("import spin:variables/variables@3.0.0;", inherited),
    ] {
        assert!(denier(&dependency(imports), &inherit).unwrap().is_none(), "{imports}");
    }
}

#[test]
fn an_interface_without_a_way_to_say_no_is_named() {
    let text = |error: Option<String>| error.unwrap_or_default();
    let found = denier(
        &dependency("import wasi:config/odd@0.2.0-draft-2024-09-27;"),
        &Inherit::default(),
    );
    assert_eq!(
        text(found.err()),
        "denying what it does not inherit failed: the result of `watch` in wasi:config/odd@0.2.0-draft-2024-09-27 \
         has no value that says no"
    );
}
