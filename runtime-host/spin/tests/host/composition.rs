//! Components with dependencies: the dependency has what it inherits and nothing else.

use spin_host::Limits;

use crate::harness::{App, guest, manifest, wasm};

const DENIED: &str = r#"refused: Error::Undefined("\"spin:variables/variables@3.0.0\" is not permitted")"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_reads_a_variable_only_if_it_inherits_it() {
    let head = "[variables]\nsecret = { default = \"42\" }";
    let keeper = wasm("keeper");
    for (inherit, expect) in [
        ("inherit_configuration = [\"variables\"]", "secret: 42"),
        ("inherit_configuration = true", "secret: 42"),
        ("inherit_configuration = [\"allowed_outbound_hosts\"]", DENIED),
        ("inherit_configuration = []", DENIED),
    ] {
        let asker = guest("asker").with(&format!(
            "variables = {{ secret = \"{{{{ secret }}}}\" }}\ndependencies.\"test:secret@0.1.0\" = {{ path = {keeper:?}, {inherit} }}"
        ));
        let app = App::start_manifest(&manifest(head, &[asker]), Limits::default(), &[]).await;
        app.get("/asker").await.assert(200, expect);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_the_application_can_be_the_dependency() {
    let head = format!(
        "[variables]\nsecret = {{ default = \"42\" }}\n[component.keeper]\nsource = {:?}",
        wasm("keeper")
    );
    let asker = guest("asker").with(
        "variables = { secret = \"{{ secret }}\" }\ndependencies.\"test:secret/reader@0.1.0\" = { component = \"keeper\", inherit_configuration = [\"variables\"] }",
    );
    let app = App::start_manifest(&manifest(&head, &[asker]), Limits::default(), &[]).await;
    for _ in 0..3 {
        app.get("/asker").await.assert(200, "secret: 42");
    }
}
