//! From a composed wasm component to something that can be instantiated.

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2, p3};

use crate::capabilities;
use crate::state::GuestState;

/// Packages that guests may import, with the versions that the linker has; a linker serves older patch versions, too.
const OFFERED: [(&str, &[&str]); 10] = [
    ("wasi:cli", &["0.2.", "0.3."]),
    ("wasi:clocks", &["0.2.", "0.3."]),
    ("wasi:filesystem", &["0.2.", "0.3."]),
    ("wasi:http", &["0.2.", "0.3."]),
    ("wasi:io", &["0.2."]),
    ("wasi:random", &["0.2.", "0.3."]),
    ("wasi:sockets", &["0.2.", "0.3."]),
    ("spin:key-value", &["3.0."]),
    ("spin:sqlite", &["3.0.", "3.1."]),
    ("spin:variables", &["3.0."]),
];

/// Compiles components (or takes them from the cache) and links them with what the host offers.
pub(crate) struct Loader {
    linker: Linker<GuestState>,
}

impl Loader {
    pub(crate) fn new(engine: &Engine) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        p2::add_only_http_to_linker_async(&mut linker)?;
        p3::add_to_linker(&mut linker)?;
        capabilities::add_to_linker(&mut linker)?;
        Ok(Self { linker })
    }

    /// Prepares a component; the problems are sentences without its name.
    pub(crate) fn load(&self, wasm: &[u8]) -> Result<ProxyPre<GuestState>, Vec<String>> {
        let one = |what: &str, error: wasmtime::Error| vec![format!("{what}: {error:#}")];
        let engine = self.linker.engine();
        let component =
            Component::new(engine, wasm).map_err(|error| one("is not a component that can be compiled", error))?;
        let refused: Vec<String> = component
            .component_type()
            .imports(engine)
            .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentInstance(_)))
            .filter(|(name, _)| !is_offered(name))
            .map(|(name, _)| format!("imports {name}, which this host does not offer"))
            .collect();
        if !refused.is_empty() {
            return Err(refused);
        }
        let pre = self
            .linker
            .instantiate_pre(&component)
            .map_err(|error| one("does not fit this host", error))?;
        proxy(&component, pre).map_err(|error| one("is not an HTTP component", error))
    }
}

/// A component that exports both handlers is called by the newer one.
fn proxy(component: &Component, pre: InstancePre<GuestState>) -> wasmtime::Result<ProxyPre<GuestState>> {
    let engine = pre.engine().clone();
    let exports = |prefix: &str| {
        component
            .component_type()
            .exports(&engine)
            .any(|(name, _)| name.starts_with(prefix))
    };
    if exports("wasi:http/handler@0.3.") {
        return Ok(ProxyPre::P3(p3::bindings::ServicePre::new(pre)?));
    }
    if exports("wasi:http/incoming-handler@0.2.") {
        return Ok(ProxyPre::P2(p2::bindings::ProxyPre::new(pre)?));
    }
    wasmtime::bail!("it exports neither wasi:http/handler@0.3 nor wasi:http/incoming-handler@0.2")
}

fn is_offered(import: &str) -> bool {
    let Some((interface, version)) = import.split_once('@') else {
        return false;
    };
    let Some((package, _)) = interface.split_once('/') else {
        return false;
    };
    OFFERED.iter().any(|(offered, versions)| {
        *offered == package && versions.iter().any(|prefix| version.starts_with(prefix)) && !version.contains('-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered() {
        for (import, expect) in [
            ("wasi:cli/environment@0.2.6", true),
            ("wasi:http/types@0.3.0", true),
            ("wasi:http/types@0.3.0-rc-2026-03-15", false),
            ("spin:variables/variables@3.0.0", true),
            ("spin:postgres/postgres@4.2.0", false),
            ("fermyon:spin/variables@2.0.0", false),
            ("wasi:config/store@0.2.0-draft-2024-09-27", false),
            ("wasi:keyvalue/store@0.2.0-draft2", false),
            ("sam:vault/sealer@0.1.0", false),
            ("wasi:cli/environment", false),
            ("nonsense", false),
        ] {
            assert_eq!(is_offered(import), expect, "{import}");
        }
    }
}
